// What a restore must not bring back although the directory it replaces has lost something, was
// put back from a snapshot, or could not be synced.
#include "restore.h"

#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "backup_fixture.h"
#include "cache_core.h"
#include "dictionary.h"
#include "faulty_cache.h"
#include "kill_point.h"
#include "status_matchers.h"
#include "sync_faults.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::BackupTest;
using testing::HasCode;
using testing::SyncFaults;

class RestoreTest : public BackupTest {
 protected:
  // A directory as it was is put back behind the cache's back.
  void TakeSnapshot() {
    cache_.reset();
    fs::copy(dir_ / "cache", dir_ / "snapshot", fs::copy_options::recursive);
    Open();
  }
  void PutSnapshotBack() {
    cache_.reset();
    fs::remove_all(dir_ / "cache");
    fs::copy(dir_ / "snapshot", dir_ / "cache", fs::copy_options::recursive);
    clock_.Advance(1s);
    Open();
  }
};

// As a Destroy that is killed leaves it, or rm -rf of the rest.
TEST_F(RestoreTest, InvalidationWhoseLedgerIsLostBesideTheStoreIsNotUndone) {
  Put("k", "1", "x");
  ASSERT_OK(BackUp());
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  cache_.reset();
  fs::remove_all(dir_ / "cache/store");
  fs::remove(dir_ / "cache/invalidations");
  Open();
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
  const Result<RestoreReport> report = Restore("cache", /*accept=*/true);
  ASSERT_OK(report);
  EXPECT_TRUE(report->ledger_kept);
  EXPECT_EQ(Get("k"), "MISS") << "it was said that the ledger stays in force";
}

TEST_F(RestoreTest, DestroyThatIsCutOffTakesTheIdentityBeforeTheLedger) {
  cache_.reset();
  fs::remove(dir_ / "cache/invalidations");
  fs::create_directories(dir_ / "cache/invalidations/in the way");
  EXPECT_THAT(Destroy(dir_ / "cache"), HasCode(StatusCode::kUnavailable));
  EXPECT_FALSE(fs::exists(dir_ / "cache/state"));
}

TEST_F(RestoreTest, RemovalAfterTheStoreWasLostIsNotUndone) {
  Put("k", "1");
  ASSERT_OK(BackUp());
  cache_.reset();
  fs::remove_all(dir_ / "cache/store");
  Open();
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_F(RestoreTest, RemovalThatIsLostWithTheStoreIsNotUndone) {
  Put("k", "1");
  ASSERT_OK(BackUp());
  ASSERT_OK(cache_->Remove("k"));
  cache_.reset();
  fs::remove_all(dir_ / "cache/store");
  Open();
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("k"), "MISS");
}

// Both branches count on from the same number.
TEST_F(RestoreTest, InvalidationInADirectoryPutBackHoldsForABackupOfTheOtherBranch) {
  TakeSnapshot();
  for (int i = 0; i < 20; ++i) Put("p" + std::to_string(i), "1");
  Put("tagged", "1", "x");
  Put("all", "1");
  ASSERT_OK(BackUp());
  for (const char* key : {"tagged", "all"}) {
    PutSnapshotBack();
    const bool all = std::string(key) == "all";
    ASSERT_OK(cache_->Invalidate({.tags = {all ? "y" : "x"}, .all = all}));
    EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument)) << key;
    const Result<RestoreReport> report = Restore("cache", /*accept=*/true);
    ASSERT_OK(report);
    EXPECT_TRUE(report->ledger_kept);
    EXPECT_EQ(Get(key), "MISS");
    EXPECT_EQ(Get("p1"), all ? "MISS" : "1") << "no more than that";
    Put(key, "2", "x");
    EXPECT_EQ(Get(key), "2") << "numbers go on above";
  }
}

TEST_F(RestoreTest, RemovalInADirectoryPutBackIsNotUndoneByABackupOfTheOtherBranch) {
  Put("k", "1");
  TakeSnapshot();
  for (int i = 0; i < 5; ++i) Put("p" + std::to_string(i), "1");
  ASSERT_OK(BackUp());
  PutSnapshotBack();
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("k"), "MISS");
}

// The machine's snapshot is taken while the cache is in use.
TEST_F(RestoreTest, SnapshotOfACacheInUseIsABranchToo) {
  Put("k", "1");
  fs::copy(dir_ / "cache", dir_ / "snapshot", fs::copy_options::recursive);
  for (int i = 0; i < 5; ++i) Put("p" + std::to_string(i), "1");
  ASSERT_OK(BackUp());
  PutSnapshotBack();
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(RestoreTest, SnapshotFromAfterTheBackupIsOfItsDescent) {
  Put("k", "1", "x");
  Put("other", "1", "y");
  ASSERT_OK(BackUp());
  TakeSnapshot();
  ASSERT_OK(BackUp());
  PutSnapshotBack();
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  ASSERT_OK(Restore("cache", /*accept=*/false, /*id=*/1));
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(Get("other"), "1");
}

TEST_F(RestoreTest, SameBackupComesBackTwice) {
  Put("k", "1", "x");
  Put("other", "1", "y");
  ASSERT_OK(BackUp());
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  clock_.Advance(1s);
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK(Restore("cache", /*accept=*/false));
    EXPECT_EQ(Get("k"), "MISS") << i;
    EXPECT_EQ(Get("other"), "1") << i;
  }
}

TEST_F(RestoreTest, BackupOfTheCacheThatWasReplacedIsOfAnotherBranch) {
  Put("k", "1");
  ASSERT_OK(BackUp());
  for (int i = 0; i < 5; ++i) Put("p" + std::to_string(i), "1");
  ASSERT_OK(BackUp());
  ASSERT_OK(Restore("cache", /*accept=*/false, /*id=*/1));
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_THAT(Restore("cache", /*accept=*/false, /*id=*/2), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(RestoreTest, RemovalBeforeABackupThatCameBackIsNotUndoneByAnOlderOne) {
  Put("k", "1");
  ASSERT_OK(BackUp());
  TakeSnapshot();
  ASSERT_OK(cache_->Remove("k"));
  ASSERT_OK(BackUp());
  PutSnapshotBack();
  ASSERT_OK(Restore("cache", /*accept=*/true, /*id=*/2));
  EXPECT_THAT(Restore("cache", /*accept=*/false, /*id=*/1), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("k"), "MISS");
}

// A rule of the other branch gets a higher number there than the same tag's later one.
TEST_F(RestoreTest, ImportAfterARestoreKeepsToTheLaterOfTwoRules) {
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  clock_.Advance(10s);
  Put("k", "1", "x");
  std::deque<ExportedEntry> exported;
  ASSERT_OK(cache_->Export([&exported](const ExportedEntry& entry) {
    exported.push_back(entry);
    return Status::Ok();
  }));
  clock_.Advance(10s);
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  ASSERT_OK(BackUp());
  cache_.reset();
  fs::remove_all(dir_ / "cache/store");
  Open();
  ASSERT_OK(Restore("cache", /*accept=*/true));
  const Result<ImportReport> report =
      cache_->Import([&exported]() -> Result<std::optional<ExportedEntry>> {
        if (exported.empty()) return std::optional<ExportedEntry>();
        std::optional<ExportedEntry> next = exported.front();
        exported.pop_front();
        return next;
      });
  ASSERT_OK(report);
  EXPECT_EQ(report->invalidated, 1u);
  EXPECT_EQ(Get("k"), "MISS");
}

// Both branches go on with the same numbers.
TEST_F(RestoreTest, BackupOfAnotherBranchDoesNotTakeTheNameOfOneThatIsThere) {
  TakeSnapshot();
  Put("k", "1", "x");
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  ASSERT_OK(BackUp());
  PutSnapshotBack();
  Put("p", "1");
  Put("q", "1");
  ASSERT_OK(BackUp());
  EXPECT_THAT(Restore("cache", /*accept=*/false, /*id=*/1), HasCode(StatusCode::kInvalidArgument));
  ASSERT_OK(Restore("cache", /*accept=*/true, /*id=*/1));
  EXPECT_EQ(Get("k"), "MISS");
}

// A committed restore, before its first part was moved.
TEST_F(RestoreTest, NothingIsDeletedBeforeTheCommitLasts) {
  Put("k", "old");
  ASSERT_OK(BackUp());
  ASSERT_OK(Restore("new", /*accept=*/true));
  cache_.reset();
  fs::copy(dir_ / "new", dir_ / "cache/restore.ready", fs::copy_options::recursive);
  SyncFaults faults;
  faults.Fail(dir_ / "cache");
  EXPECT_THAT(FinishRestore(dir_ / "cache"), HasCode(StatusCode::kUnavailable));
  for (const char* part : {"store/CURRENT", "invalidations", "state"}) {
    EXPECT_TRUE(fs::exists(dir_ / "cache/" + part)) << part;
    EXPECT_TRUE(fs::exists(dir_ / "cache/restore.ready/" + part)) << part;
  }
  faults.Heal();
  EXPECT_OK(FinishRestore(dir_ / "cache"));
  EXPECT_FALSE(fs::exists(dir_ / "cache/restore.ready"));
}

// What a kill leaves of a restore into a directory of its own, at each of its steps.
class CutOffRestoreTest : public RestoreTest {
 protected:
  CutOffRestoreTest() {
    {
      DictionaryShelf shelf(dir_ / "cache/dict", 3, nullptr);
      EXPECT_OK(shelf.Adopt(std::string(3000, 'd') + "what answers have in common"));
    }
    Put("k", "1");
    EXPECT_OK(BackUp());
    cache_.reset();
    at_ = dir_ / "at ";
    target_ = options_.cache_directory = dir_ / "new";
    options_.backup_directory = dir_ / "backup";
    options_.accept_unknown_invalidations = true;
    kill_point_hook = [](const char* name) {
      if (!std::string_view(name).starts_with("restore ")) return;
      fs::copy(target_, at_ + std::to_string(++steps_), fs::copy_options::recursive);
    };
    steps_ = 0;
    EXPECT_OK(larder::Restore(options_));
    kill_point_hook = nullptr;
    EXPECT_EQ(steps_, 4) << "staged, and before each part";
    MakeStep();  // before there was a dictionary
    fs::create_directories(target_ + "/restore.new/store");
    MakeStep();  // what was staged was dropped
    fs::copy(dir_ / "backup/dict", target_ + "/dict");
    MakeStep();
    fs::create_directories(target_ + "/dict");
    std::ofstream(target_ + "/dict/00000001.dict.new") << "larder";
  }
  void MakeStep() {
    target_ = at_ + std::to_string(++steps_);
    fs::create_directory(target_);
  }
  // In a copy of each.
  void ForEachStep(const std::function<void(const std::string& directory)>& run) {
    for (int step = 1; step <= steps_; ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      const std::string directory = at_ + "copy";
      fs::remove_all(directory);
      fs::copy(at_ + std::to_string(step), directory, fs::copy_options::recursive);
      run(directory);
    }
  }

  static inline std::string at_;
  static inline std::string target_;
  static inline int steps_ = 0;
  RestoreOptions options_;
};

TEST_F(CutOffRestoreTest, IsDoneAgain) {
  ForEachStep([this](const std::string& directory) {
    options_.cache_directory = directory;
    EXPECT_OK(ForeseeRestore(options_));
    ASSERT_OK(larder::Restore(options_));
    Open(fs::path(directory).filename());
    EXPECT_EQ(Get("k"), "1");
    cache_.reset();
  });
}

TEST_F(CutOffRestoreTest, IsDestroyed) {
  ForEachStep([](const std::string& directory) {
    EXPECT_OK(Destroy(directory));
    EXPECT_FALSE(fs::exists(directory));
  });
}

TEST_F(CutOffRestoreTest, IsNotSeenInWhatIsNotOurs) {
  ForEachStep([this](const std::string& directory) {
    const bool was_cache = fs::exists(directory + "/restore.ready");
    std::ofstream(directory + "/notes") << "keep me";
    options_.cache_directory = directory;
    EXPECT_EQ(ForeseeRestore(options_).ok(), was_cache);
    EXPECT_EQ(Destroy(directory).ok(), was_cache);
    EXPECT_TRUE(fs::exists(directory + "/notes"));
  });
  fs::create_directories(dir_ / "words/dict");
  EXPECT_OK(Destroy(dir_ / "words")) << "nothing is lost";
  fs::create_directories(dir_ / "words/dict");
  std::ofstream(dir_ / "words/dict/en.dict") << "hello";
  EXPECT_THAT(Destroy(dir_ / "words"), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(RestoreTest, PartThatCannotBeLookedAtIsNotTakenForOneInPlace) {
  cache_.reset();
  const std::string ready = dir_ / "cache/restore.ready";
  fs::create_directory(ready);
  fs::create_symlink("state", ready + "/state");  // leads nowhere but to itself
  EXPECT_THAT(FinishRestore(dir_ / "cache"), HasCode(StatusCode::kUnavailable));
  EXPECT_TRUE(fs::is_symlink(ready + "/state"));
  EXPECT_TRUE(fs::exists(dir_ / "cache/state"));
  fs::remove_all(ready);
  fs::create_symlink("restore.ready", ready);
  EXPECT_THAT(FinishRestore(dir_ / "cache"), HasCode(StatusCode::kUnavailable));
}

TEST_F(RestoreTest, RestoreThatFailsAtItsCommitIsNotCarriedOutLater) {
  Put("k", "1");
  ASSERT_OK(BackUp());
  Put("k", "2");
  cache_.reset();
  SyncFaults faults;
  faults.Fail(dir_ / "cache");
  EXPECT_THAT(larder::Restore({.backup_directory = dir_ / "backup",
                               .cache_directory = dir_ / "cache",
                               .accept_unknown_invalidations = true}),
              HasCode(StatusCode::kUnavailable));
  faults.Heal();
  Open();
  EXPECT_EQ(Get("k"), "2");
  EXPECT_FALSE(fs::exists(dir_ / "cache/restore.new"));
}

TEST_F(RestoreTest, NamesOfACacheAndItsBackupLast) {
  SyncFaults faults;
  cache_.reset();
  Open("several/levels/down");
  EXPECT_TRUE(faults.Lasts(dir_ / "several"));
  EXPECT_TRUE(faults.Lasts(dir_ / "several/levels"));
  EXPECT_TRUE(faults.Lasts(dir_ / "several/levels/down"));
  EXPECT_TRUE(faults.Lasts(dir_ / "several/levels/down/store"));
  {
    DictionaryShelf shelf(dir_ / "several/levels/down/dict", 3, nullptr);
    ASSERT_OK(shelf.Adopt(std::string(3000, 'd') + "what answers have in common"));
  }
  EXPECT_TRUE(faults.Lasts(dir_ / "several/levels/down/dict"));
  ASSERT_OK(BackUp());
  EXPECT_TRUE(faults.Lasts(dir_ / "backup"));
  EXPECT_TRUE(faults.Lasts(dir_ / "backup/rows"));
  EXPECT_TRUE(faults.Lasts(dir_ / "backup/dict"));
  cache_.reset();
  ASSERT_OK(Destroy(dir_ / "several/levels/down/"));
  EXPECT_FALSE(faults.Lasts(dir_ / "several/levels/down"));
}

TEST_F(RestoreTest, DirectoryWhoseNameMayNotLastIsNotKept) {
  cache_.reset();
  SyncFaults faults;
  faults.Fail(dir_.path());
  Options options;
  options.directory = dir_ / "new/cache";
  EXPECT_THAT(Cache::Open(options).status(), HasCode(StatusCode::kUnavailable));
  EXPECT_FALSE(fs::exists(dir_ / "new")) << "or the next to come would not sync it";
}

TEST_F(RestoreTest, DictionaryIsUsedOnlyIfItsDirectoryLasts) {
  DictionaryShelf shelf(dir_ / "cache/dict", 3, nullptr);
  SyncFaults faults;
  faults.Fail(dir_ / "cache");
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(shelf.Adopt(std::string(3000, 'd')), HasCode(StatusCode::kUnavailable)) << i;
  }
  EXPECT_EQ(shelf.size(), 0U);
}

class LostStoreTest : public testing::FaultyCacheTest {
 protected:
  // The next writing fails, so that the store is opened anew.
  void LoseStore(const std::string& file) {
    files_->full() = true;
    EXPECT_FALSE(Put("x").ok());
    for (const auto& item : fs::directory_iterator(dir_ / "cache/store")) {
      const std::string name = item.path().filename().string();
      if (name.starts_with(file)) fs::remove(item.path());
    }
    files_->full() = false;
  }
};

TEST_F(LostStoreTest, RemovalAfterItWasLostUnderARunningCacheIsNotUndone) {
  ASSERT_OK(Put("k"));
  ASSERT_OK(core_->Backup({.directory = dir_ / "backup"}));
  LoseStore("");
  CareLater();
  ASSERT_EQ(State(), "serving none");
  ASSERT_EQ(Get("k"), "MISS");
  ASSERT_OK(core_->Remove("k"));
  ASSERT_OK(core_->Close());
  EXPECT_THAT(
      larder::Restore({.backup_directory = dir_ / "backup", .cache_directory = dir_ / "cache"}),
      HasCode(StatusCode::kInvalidArgument));
}

// Moved away under a running cache, and another made there.
TEST_F(LostStoreTest, CacheDoesNotWriteIntoTheDirectoryThatTookThePlaceOfItsOwn) {
  ASSERT_OK(Put("k"));
  fs::rename(dir_ / "cache", dir_ / "aside");
  fs::create_directory(dir_ / "cache");
  EXPECT_FALSE(core_->Close().ok());
  EXPECT_FALSE(fs::exists(dir_ / "cache/state"));
  core_.reset();
}

// Which may be ahead of that of the directory that is replaced.
TEST_F(LostStoreTest, LifetimeEndsByTheClockThatDatedIt) {
  ASSERT_OK(core_->Close());
  fs::copy(dir_ / "cache", dir_ / "snapshot", fs::copy_options::recursive);
  core_.reset();
  Open();
  clock_.StepWall(24h);
  for (int i = 0; i < 10; ++i) CareLater(1min);
  ASSERT_OK(core_->Put("k", "1", {.ttl = Duration(1h)}).status());
  ASSERT_OK(core_->Backup({.directory = dir_ / "backup"}));
  ASSERT_OK(core_->Close());
  core_.reset();
  clock_.StepWall(-24h);
  fs::remove_all(dir_ / "cache");
  fs::copy(dir_ / "snapshot", dir_ / "cache", fs::copy_options::recursive);
  ASSERT_OK(larder::Restore({.backup_directory = dir_ / "backup",
                             .cache_directory = dir_ / "cache",
                             .accept_unknown_invalidations = true}));
  Open();
  EXPECT_EQ(Get("k"), "1");
  CareLater(2h);
  EXPECT_EQ(Get("k"), "MISS");
}

// Loss of power could bring the one that was moved aside back, over what is removed in the new one.
TEST_F(LostStoreTest, OneThatTakesItsPlaceIsNotUsedBeforeItsNameLasts) {
  ASSERT_OK(Put("k"));
  SyncFaults faults;
  faults.Fail(dir_ / "cache");
  LoseStore("MANIFEST");
  CareLater();
  ASSERT_TRUE(fs::exists(dir_ / "cache/quarantine/store"));
  EXPECT_EQ(State().substr(0, 9), "reopening");
  EXPECT_FALSE(core_->Remove("k").ok());
  faults.Heal();
  faults.Forget();
  CareLater(64s);
  EXPECT_EQ(State(), "serving none");
  EXPECT_TRUE(faults.Lasts(dir_ / "cache/store"));
  EXPECT_OK(core_->Remove("k"));
}

}  // namespace
}  // namespace larder
