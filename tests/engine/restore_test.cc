// What a restore must not bring back although the directory it replaces has lost something, was
// put back from a snapshot, or could not be synced.
#include "restore.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "backup_fixture.h"
#include "cache_core.h"
#include "faulty_cache.h"
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
  EXPECT_TRUE(faults.HasSynced(dir_ / "cache"));
  EXPECT_OK(core_->Remove("k"));
}

}  // namespace
}  // namespace larder
