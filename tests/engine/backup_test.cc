// Backups made while the cache is in use, and what a restore may and may not bring back.
#include "larder/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "backup_fixture.h"
#include "dictionary.h"
#include "larder/cache.h"
#include "restore.h"
#include "state_file.h"
#include "status_matchers.h"

namespace larder {
namespace {

namespace fs = std::filesystem;
using testing::BackupTest;
using testing::HasCode;

TEST_F(BackupTest, BringsBackWhatWasThereWhenItWasMade) {
  Put("a", "1");
  const std::string secret(cache_->StoreSecret());
  ASSERT_OK(BackUp());
  Put("a", "2");
  Put("b", "3");
  const Result<RestoreReport> report = Restore("cache", /*accept=*/false);
  ASSERT_OK(report);
  EXPECT_TRUE(report->ledger_kept);
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("b"), "MISS");
  EXPECT_EQ(cache_->StoreSecret(), secret);
}

TEST_F(BackupTest, TakesAndBringsBackTheDictionaries) {
  {
    DictionaryShelf shelf(dir_ / "cache/dict", 3, nullptr);
    ASSERT_OK(shelf.Adopt(std::string(3000, 'd') + "what answers have in common"));
  }
  ASSERT_OK(BackUp());
  fs::remove_all(dir_ / "cache/dict");
  ASSERT_OK(Restore("cache", /*accept=*/false));
  EXPECT_EQ(DictionaryShelf(dir_ / "cache/dict", 3, nullptr).size(), 1U);
}

TEST_F(BackupTest, InvalidationSinceTheBackupStaysInForce) {
  Put("a", "1", "x");
  Put("b", "1", "y");
  ASSERT_OK(BackUp());
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  ASSERT_OK(Restore("cache", /*accept=*/false));
  EXPECT_EQ(Get("a"), "MISS");
  EXPECT_EQ(Get("b"), "1");
}

TEST_F(BackupTest, RemovalSinceTheBackupMustBeWaived) {
  Put("a", "1");
  ASSERT_OK(cache_->Remove("before"));
  ASSERT_OK(BackUp());
  ASSERT_OK(cache_->Remove("a"));
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("a"), "MISS") << "the old cache is untouched";
  ASSERT_OK(Restore("cache", /*accept=*/true));
  EXPECT_EQ(Get("a"), "1");
}

// Sequence numbers of two histories cannot be compared.
TEST_F(BackupTest, RemovalAfterARestoreIsNotUndoneByABackupFromBeforeIt) {
  Put("k", "1");
  const Result<BackupInfo> first = BackUp();
  ASSERT_OK(first);
  Put("x", "2");
  Put("y", "3");
  const Result<BackupInfo> second = BackUp();
  ASSERT_OK(second);
  ASSERT_OK(Restore("cache", /*accept=*/false, first->id));
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_THAT(Restore("cache", /*accept=*/false, second->id),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("k"), "MISS");
}

// The directory was set back behind our back (a snapshot of the machine), and knows less.
TEST_F(BackupTest, WhatOnlyTheBackupKnowsToBeInvalidatedStaysSo) {
  Put("k", "1", "old");
  cache_.reset();
  fs::copy(dir_ / "cache", dir_ / "snapshot", fs::copy_options::recursive);
  Open();
  ASSERT_OK(cache_->Invalidate({.tags = {"old"}}));
  ASSERT_OK(BackUp());
  cache_.reset();
  fs::remove_all(dir_ / "cache");
  fs::rename(dir_ / "snapshot", dir_ / "cache");
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument))
      << "what was removed in it since is not known";
  const Result<RestoreReport> report = Restore("cache", /*accept=*/true);
  ASSERT_OK(report);
  EXPECT_TRUE(report->ledger_kept);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_F(BackupTest, WhatARestoreWouldMeetIsForeseen) {
  Put("a", "1");
  ASSERT_OK(BackUp());
  const auto foresee = [&](const std::string& name) {
    const Result<RestoreOutlook> outlook =
        ForeseeRestore({.backup_directory = dir_ / "backup", .cache_directory = dir_ / name});
    EXPECT_OK(outlook);
    return outlook.ok() ? std::pair(outlook->ledger_kept, outlook->removals_known)
                        : std::pair(false, false);
  };
  EXPECT_THAT(
      ForeseeRestore({.backup_directory = dir_ / "backup", .cache_directory = dir_ / "cache"}),
      HasCode(StatusCode::kUnavailable))
      << "it is open";
  cache_.reset();
  EXPECT_EQ(foresee("cache"), std::pair(true, true));
  EXPECT_EQ(foresee("elsewhere"), std::pair(false, false));
  EXPECT_FALSE(fs::exists(dir_ / "elsewhere"));
  Open();
  ASSERT_OK(cache_->Remove("a"));
  cache_.reset();
  EXPECT_EQ(foresee("cache"), std::pair(true, false));
}

// The store that comes after one that was moved aside counts its writes anew.
TEST_F(BackupTest, RemovalAfterAQuarantineIsNotUndoneByABackupFromBeforeIt) {
  Put("k", "1");
  ASSERT_OK(BackUp());
  cache_.reset();
  DamageStore("cache");
  Open();
  ASSERT_EQ(cache_->GetStats().quarantined, 1u);
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_THAT(Restore("cache", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_F(BackupTest, StoreThatWasMovedAsideComesBackFromABackup) {
  Put("k", "1");
  Put("invalidated", "1", "x");
  ASSERT_OK(cache_->Remove("gone"));
  ASSERT_OK(BackUp());
  ASSERT_OK(cache_->Remove("gone too"));
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  cache_.reset();
  DamageStore("cache");
  Open();
  ASSERT_EQ(Get("k"), "MISS");
  ASSERT_OK(Restore("cache", /*accept=*/true));
  EXPECT_EQ(Get("k"), "1");
  EXPECT_EQ(Get("invalidated"), "MISS");
}

TEST_F(BackupTest, RemovalBeforeTheBackupIsInIt) {
  Put("a", "1");
  ASSERT_OK(cache_->Remove("a"));
  ASSERT_OK(BackUp());
  ASSERT_OK(Restore("cache", /*accept=*/false));
  EXPECT_EQ(Get("a"), "MISS");
}

TEST_F(BackupTest, ElsewhereItMustBeAcceptedThatLaterInvalidationsAreUnknown) {
  Put("a", "1", "x");
  Put("b", "1", "y");
  ASSERT_OK(cache_->Invalidate({.tags = {"y"}}));
  const Result<BackupInfo> info = BackUp();
  ASSERT_OK(info);
  EXPECT_EQ(info->known_until, clock_.Wall());
  const Result<RestoreReport> refused = Restore("elsewhere", /*accept=*/false);
  EXPECT_THAT(refused, HasCode(StatusCode::kInvalidArgument));
  EXPECT_NE(
      refused.status().message().find(std::to_string(info->known_until.time_since_epoch().count())),
      std::string::npos)
      << "says since when: " << refused.status().message();
  const Result<RestoreReport> report = Restore("elsewhere", /*accept=*/true);
  ASSERT_OK(report);
  EXPECT_FALSE(report->ledger_kept);
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("b"), "MISS");
  ASSERT_OK(cache_->Invalidate({.tags = {"x"}}));
  EXPECT_EQ(Get("a"), "MISS") << "numbers go on above those of the backup";
  Put("a", "2", "x");
  EXPECT_EQ(Get("a"), "2");
}

// Else the ledger of one would be taken for that of the other.
TEST_F(BackupTest, CacheRestoredElsewhereIsOfAnotherDescent) {
  Put("a", "1", "x");
  ASSERT_OK(BackUp());
  ASSERT_OK(Restore("elsewhere", /*accept=*/true));
  EXPECT_THAT(Restore("elsewhere", /*accept=*/false), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(BackupTest, DamagedLedgerCannotStayInForce) {
  Put("a", "1", "x");
  ASSERT_OK(BackUp());
  cache_.reset();
  std::fstream(dir_ / "cache/invalidations", std::ios::in | std::ios::out | std::ios::binary)
          .seekp(20)
      << "damage";
  const RestoreOptions options{.backup_directory = dir_ / "backup",
                               .cache_directory = dir_ / "cache"};
  EXPECT_THAT(larder::Restore(options), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(BackupTest, EachBackupAddsOnlyWhatIsNew) {
  for (int i = 0; i < 200; ++i) Put("key " + std::to_string(i), std::string(10'000, 'a' + i % 26));
  ASSERT_OK(cache_->Compact());
  const auto used = [&] {
    std::uintmax_t bytes = 0;
    for (const auto& file : fs::recursive_directory_iterator(dir_ / "backup/rows")) {
      if (file.is_regular_file() && file.path().extension() == ".sst") bytes += file.file_size();
    }
    return bytes;
  };
  ASSERT_OK(BackUp());
  const std::uintmax_t first = used();
  ASSERT_GT(first, 0u);
  Put("one more", "1");
  ASSERT_OK(BackUp());
  EXPECT_LT(used() - first, first / 2) << "the first one's tables are shared";
  const Result<std::vector<BackupInfo>> backups = ListBackups(dir_ / "backup");
  ASSERT_OK(backups);
  ASSERT_EQ(backups->size(), 2u);
  EXPECT_LT((*backups)[0].id, (*backups)[1].id);
}

TEST_F(BackupTest, OlderOnesCanBeRestoredUntilTheyAreTooMany) {
  Put("a", "1");
  const Result<BackupInfo> first = BackUp();
  ASSERT_OK(first);
  Put("a", "2");
  ASSERT_OK(BackUp());
  ASSERT_OK(Restore("cache", /*accept=*/false, first->id));
  EXPECT_EQ(Get("a"), "1");
  ASSERT_OK(BackUp(/*keep=*/1));
  const Result<std::vector<BackupInfo>> backups = ListBackups(dir_ / "backup");
  ASSERT_OK(backups);
  EXPECT_EQ(backups->size(), 1u);
  EXPECT_THAT(Restore("cache", false, first->id), HasCode(StatusCode::kNotFound));
  int ledgers = 0;
  for (const auto& file : fs::directory_iterator(dir_ / "backup")) {
    if (file.path().filename().string().starts_with("ledger-")) ++ledgers;
  }
  EXPECT_EQ(ledgers, 1) << "what belongs to no backup is deleted";
}

TEST_F(BackupTest, DamagedDictionaryOfABackupIsFoundOutAndReplacedByTheNext) {
  {
    DictionaryShelf shelf(dir_ / "cache/dict", 3, nullptr);
    ASSERT_OK(shelf.Adopt(std::string(3000, 'd') + "what answers have in common"));
  }
  ASSERT_OK(BackUp());
  EXPECT_OK(VerifyBackup(dir_ / "backup"));
  const auto damage = [this](const std::string& directory) {
    for (const auto& file : fs::directory_iterator(dir_ / directory)) {
      std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(50) << "X";
    }
  };
  damage("backup/dict");
  EXPECT_THAT(VerifyBackup(dir_ / "backup"), HasCode(StatusCode::kDataLoss));
  EXPECT_THAT(Restore("new", /*accept=*/true), HasCode(StatusCode::kDataLoss));
  Open();
  ASSERT_OK(BackUp());
  EXPECT_OK(VerifyBackup(dir_ / "backup"));
  damage("cache/dict");
  EXPECT_OK(BackUp()) << "it is there already";
  fs::remove_all(dir_ / "backup/dict");
  EXPECT_THAT(BackUp(), HasCode(StatusCode::kDataLoss));
}

TEST_F(BackupTest, DictionariesThatCannotBeListedAreNotPassedOver) {
  ASSERT_OK(BackUp());
  std::ofstream(dir_ / "cache/dict") << "a file";
  EXPECT_THAT(BackUp(), HasCode(StatusCode::kUnavailable));
}

TEST_F(BackupTest, DamagedBackupIsFoundOut) {
  for (int i = 0; i < 50; ++i) Put("key " + std::to_string(i), std::string(1000, 'b'));
  ASSERT_OK(BackUp());
  EXPECT_OK(VerifyBackup(dir_ / "backup"));
  for (const auto& file : fs::recursive_directory_iterator(dir_ / "backup/rows")) {
    if (file.path().extension() != ".sst") continue;
    std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(50) << "X!";
  }
  EXPECT_THAT(VerifyBackup(dir_ / "backup"), HasCode(StatusCode::kDataLoss));
  EXPECT_FALSE(Restore("cache", /*accept=*/true).ok());
  EXPECT_EQ(Get("key 1"), std::string(1000, 'b')) << "the old cache is untouched";
}

TEST_F(BackupTest, GoesNeitherIntoTheCacheNorIntoAHeldDirectory) {
  EXPECT_THAT(cache_->Backup({.directory = dir_ / "cache/backup"}),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->Backup({.directory = dir_ / "backup", .keep = 0}),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(ListBackups(dir_ / "nothing"), HasCode(StatusCode::kNotFound));
}

TEST_F(BackupTest, TwoCachesDoNotShareADirectory) {
  Put("a", "1");
  ASSERT_OK(BackUp());
  Open("another");
  Put("b", "1");
  EXPECT_THAT(BackUp(), HasCode(StatusCode::kInvalidArgument));
  ASSERT_OK(Restore("cache", /*accept=*/false));
  EXPECT_EQ(Get("a"), "1");
  EXPECT_OK(BackUp()) << "of the same descent";
}

// Else what was removed between the two would count as known to the other.
TEST_F(BackupTest, TwoMadeAtOnceDoNotShareTheirLatestMark) {
  Put("k", "1");
  for (int round = 0; round < 10; ++round) {
    std::vector<std::string> marks(2);
    const auto back_up = [&](std::size_t i) {
      const std::string directory = dir_ / ("backup" + std::to_string(i));
      const Result<BackupInfo> info = cache_->Backup({.directory = directory, .keep = 1});
      ASSERT_OK(info);
      // Its name says which files are the newest's: none of the others' are left.
      State newest;
      for (const auto& file : std::filesystem::directory_iterator(directory)) {
        const std::string name = file.path().filename();
        if (!name.starts_with("state-")) continue;
        ASSERT_OK(ReadState(file.path(), newest));
      }
      marks[i] = newest.store_id.substr(newest.store_id.size() - 8);
    };
    std::thread other(back_up, 1);
    back_up(0);
    other.join();
    EXPECT_NE(marks[0], marks[1]);
  }
}

TEST_F(BackupTest, CacheInUseIsNotReplaced) {
  ASSERT_OK(BackUp());
  EXPECT_THAT(
      larder::Restore({.backup_directory = dir_ / "backup", .cache_directory = dir_ / "cache"}),
      HasCode(StatusCode::kUnavailable));
}

TEST_F(BackupTest, DirectoryThatIsNoCacheIsNotReplaced) {
  ASSERT_OK(BackUp());
  fs::create_directory(dir_ / "photos");
  std::ofstream(dir_ / "photos/cat") << "meow";
  EXPECT_THAT(larder::Restore({.backup_directory = dir_ / "backup",
                               .cache_directory = dir_ / "photos",
                               .accept_unknown_invalidations = true}),
              HasCode(StatusCode::kInvalidArgument));
}

// As if the process had died after so many parts were in place.
TEST_F(BackupTest, RestoreCutOffAtAnyPointLeavesTheOldCacheOrTheNewOne) {
  Put("a", "new");
  ASSERT_OK(BackUp());
  ASSERT_OK(Restore("new", /*accept=*/true));
  cache_.reset();
  Open("old");
  Put("a", "old");
  cache_.reset();
  const std::vector<std::string> parts = {"store", "invalidations", "state"};
  for (std::size_t moved = 0; moved <= parts.size(); ++moved) {
    for (const bool torn : {false, true}) {
      const std::string directory = dir_ / ("cut " + std::to_string(moved) + (torn ? "t" : ""));
      fs::copy(dir_ / "old", directory, fs::copy_options::recursive);
      fs::copy(dir_ / "new", directory + "/restore.ready", fs::copy_options::recursive);
      for (std::size_t i = 0; i < moved; ++i) {
        fs::remove_all(directory + "/" + parts[i]);
        fs::rename(directory + "/restore.ready/" + parts[i], directory + "/" + parts[i]);
      }
      if (torn && moved < parts.size()) fs::remove_all(directory + "/" + parts[moved]);
      Open(fs::path(directory).filename());
      EXPECT_EQ(Get("a"), "new") << moved;
      EXPECT_FALSE(fs::exists(directory + "/restore.ready"));
      cache_.reset();
    }
  }
  const std::string directory = dir_ / "before";
  fs::copy(dir_ / "old", directory, fs::copy_options::recursive);
  fs::copy(dir_ / "new", directory + "/restore.new", fs::copy_options::recursive);
  Open("before");
  EXPECT_EQ(Get("a"), "old") << "not committed";
  EXPECT_FALSE(fs::exists(directory + "/restore.new"));
}

TEST_F(BackupTest, DestroyDeletesWhatIsOursOnly) {
  EXPECT_THAT(Destroy(dir_ / "cache"), HasCode(StatusCode::kUnavailable)) << "held";
  cache_.reset();
  std::ofstream(dir_ / "cache/notes") << "keep me";
  EXPECT_OK(Destroy(dir_ / "cache"));
  EXPECT_TRUE(fs::exists(dir_ / "cache/notes"));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "cache"), fs::directory_iterator()), 1);
  EXPECT_THAT(Destroy(dir_ / "cache"), HasCode(StatusCode::kInvalidArgument)) << "no cache now";
  EXPECT_THAT(Destroy(dir_ / "nothing"), HasCode(StatusCode::kNotFound));
  Open("another");
  Put("a", "1");
  cache_.reset();
  EXPECT_OK(Destroy(dir_ / "another"));
  EXPECT_FALSE(fs::exists(dir_ / "another"));
}

}  // namespace
}  // namespace larder
