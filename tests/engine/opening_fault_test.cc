// A cache is opened though its disk is full or fails, and its store follows by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "faulty_cache.h"
#include "larder/backup.h"
#include "memory_journal_files.h"
#include "status_matchers.h"
#include "sync_faults.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using testing::FaultyCacheTest;
using testing::HasCode;
using ::testing::HasSubstr;
using testing::MemoryJournalFiles;
using ::testing::StartsWith;
using testing::SyncFaults;

class OpeningFaultTest : public FaultyCacheTest {
 protected:
  void Close() {
    EXPECT_OK(core_->Close());
    core_.reset();
  }
  void Invalidate(const std::string& tag) {
    const Invalidation what{.tags = {tag}};
    ASSERT_OK(core_->Invalidate({&what, 1}));
  }
  // Calls go on, though nothing is read or stored.
  void ExpectPassesBy() {
    EXPECT_EQ(Get("k"), "MISS");
    Acquired acquired = core_->Acquire("k", {}, StaleWindow::kNone);
    ASSERT_TRUE(std::holds_alternative<Lease>(acquired));
    const Committed committed = std::get<Lease>(acquired).Commit("answer", {});
    EXPECT_EQ(committed.entry.body(), "answer");
    EXPECT_THAT(committed.status, HasCode(StatusCode::kUnavailable));
    EXPECT_THAT(Put("k"), HasCode(StatusCode::kUnavailable));
    EXPECT_THAT(core_->Remove("k"), HasCode(StatusCode::kUnavailable));
    EXPECT_THAT(core_->Sync(), HasCode(StatusCode::kUnavailable));
    EXPECT_EQ(core_->GetStats().entries, 0u);
  }
  void ExpectOneComputationBetweenTwoInvalidations() {
    const ReadOptions options{.tags = {"t"}};
    const auto acquire = [&] { return core_->Acquire("one", options, StaleWindow::kNone); };
    Acquired first = acquire();
    ASSERT_TRUE(std::holds_alternative<Lease>(first));
    EXPECT_TRUE(std::holds_alternative<Flight>(acquire()));
    const Invalidation what{.tags = {"t"}};
    EXPECT_THAT(core_->Invalidate({&what, 1}), HasCode(StatusCode::kUnavailable));
    Acquired second = acquire();
    ASSERT_TRUE(std::holds_alternative<Lease>(second));
    EXPECT_TRUE(std::holds_alternative<Flight>(acquire()));
    EXPECT_GT(std::get<Lease>(second).number(), std::get<Lease>(first).number());
  }
  void ExpectServes() {
    EXPECT_EQ(State(), "serving none");
    ASSERT_OK(Put("later"));
    EXPECT_EQ(Get("later"), "value of later");
    Reopen();
    EXPECT_EQ(Get("later"), "value of later");
  }
};

TEST_F(OpeningFaultTest, FullDisk) {
  ASSERT_OK(Put("k"));
  Close();
  files_->full() = true;
  Open();
  EXPECT_EQ(State(), "reopening disk_full");
  EXPECT_THAT(Log(), Contains(StartsWith("store fault: reopening, disk_full")));
  ExpectPassesBy();
  CareLater();
  EXPECT_EQ(State(), "reopening disk_full");
  files_->full() = false;
  CareLater(65s);
  EXPECT_EQ(Get("k"), "value of k");
  EXPECT_EQ(core_->GetStats().fault_episodes, 1u);
  ExpectServes();
}

TEST_F(OpeningFaultTest, NewCacheOnAFullDisk) {
  Close();
  options_.directory = dir_ / "new";
  files_->full() = true;
  Open();
  EXPECT_EQ(State(), "reopening disk_full");
  EXPECT_FALSE(std::filesystem::exists(dir_ / "new/store")) << "not even that could be made";
  ExpectPassesBy();
  files_->full() = false;
  CareLater();
  ExpectServes();
}

TEST_F(OpeningFaultTest, WhatDoesNotMendItselfIsToldAtOnce) {
  Close();
  std::filesystem::create_directory(dir_ / "new");
  std::ofstream(dir_ / "new/store") << "a file";
  options_.directory = dir_ / "new";
  const auto core = CacheCore::Open(options_, internals_);
  EXPECT_THAT(core, HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core.status().message(), HasSubstr("store is not a directory"));
}

// What the journal says of removals is not forgotten while a backup still looks like an ancestor.
TEST_F(OpeningFaultTest, RemovalIsNotUndoneByARestoreAfterTheStoreWasLostOnAFailingDisk) {
  ASSERT_OK(Put("k"));
  ASSERT_OK(core_->Backup({.directory = dir_ / "backup"}));
  ASSERT_OK(core_->Remove("k"));
  Close();
  std::filesystem::remove_all(dir_ / "cache/store");
  {
    SyncFaults faults;
    faults.Fail(dir_ / "cache");
    Open();
    EXPECT_EQ(State(), "reopening io_error");
    EXPECT_FALSE(core_->Close().ok());
    core_.reset();
  }
  EXPECT_THAT(Restore({.backup_directory = dir_ / "backup", .cache_directory = dir_ / "cache"}),
              HasCode(StatusCode::kInvalidArgument));
  Open();
}

TEST_F(OpeningFaultTest, DiskThatFailsEveryOperation) {
  ASSERT_OK(Put("k"));
  Close();
  files_->FailOperations(1, UINT64_MAX / 2, rocksdb::IOStatus::IOError("no luck"));
  Open();
  EXPECT_EQ(State(), "reopening io_error");
  ExpectPassesBy();
  Reopen();
  EXPECT_EQ(State(), "reopening io_error") << "it is closed and opened like any other";
  files_->FailNothing();
  CareLater();
  EXPECT_EQ(Get("k"), "value of k");
  ExpectServes();
}

TEST_F(OpeningFaultTest, WhatIsInvalidatedMeanwhileStaysSo) {
  ASSERT_OK(core_->Put("gone", "1", {.tags = {"x"}}).status());
  ASSERT_OK(core_->Put("kept", "1", {.tags = {"y"}}).status());
  Close();
  files_->full() = true;
  Open();
  Invalidate("x");
  Reopen();
  files_->full() = false;
  CareLater();
  EXPECT_EQ(State(), "serving none");
  EXPECT_EQ(Get("gone"), "MISS");
  EXPECT_EQ(Get("kept"), "1");
}

TEST_F(OpeningFaultTest, RemovalThatTheStoreHasLostIsFoundWhenItComes) {
  ASSERT_OK(Put("k"));
  Close();
  std::filesystem::copy(dir_ / "cache/store", dir_ / "earlier",
                        std::filesystem::copy_options::recursive);
  Open();
  ASSERT_OK(core_->Remove("k"));
  Close();
  std::filesystem::remove_all(dir_ / "cache/store");
  std::filesystem::rename(dir_ / "earlier", dir_ / "cache/store");
  files_->full() = true;
  Open();
  files_->full() = false;
  CareLater();
  EXPECT_EQ(State(), "serving none");
  EXPECT_EQ(Get("k"), "MISS");
  ExpectServes();
}

TEST_F(OpeningFaultTest, StateThatCannotBeSaved) {
  ASSERT_OK(Put("k"));
  Close();
  SyncFaults faults;
  faults.Fail(dir_ / "cache");
  Open();
  EXPECT_EQ(State(), "reopening io_error");
  ExpectPassesBy();
  faults.Heal();
  CareLater();
  EXPECT_EQ(Get("k"), "value of k");
  ExpectServes();
}

TEST_F(OpeningFaultTest, StateForWhichThereIsNoRoom) {
  ASSERT_OK(Put("k"));
  Close();
  std::filesystem::create_symlink("/dev/full", dir_ / "cache/state.new");
  Open();
  EXPECT_EQ(State(), "reopening disk_full");
  ExpectPassesBy();
  std::filesystem::remove(dir_ / "cache/state.new");
  CareLater();
  EXPECT_EQ(Get("k"), "value of k");
  ExpectServes();
}

TEST_F(OpeningFaultTest, JournalForWhichThereIsNoRoom) {
  Close();
  MemoryJournalFiles journal;
  internals_.journal_files = &journal;
  options_.directory = dir_ / "new";
  journal.FailWith({StatusCode::kResourceExhausted, "no room"});
  journal.FailAt(2, UINT64_MAX / 2);  // after the look for one that is there
  Open();
  EXPECT_EQ(State(), "reopening disk_full");
  const Invalidation what{.all = true};
  EXPECT_THAT(core_->Invalidate({&what, 1}), HasCode(StatusCode::kUnavailable));
  journal.Heal();
  CareLater();
  ExpectServes();
  journal.FailAt(0, UINT64_MAX / 2);
  EXPECT_THAT(core_->Invalidate({&what, 1}), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core_->Remove("k"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(core_->Close(), HasCode(StatusCode::kUnavailable));
}

TEST_F(OpeningFaultTest, JournalThatCannotBeWritten) {
  Close();
  MemoryJournalFiles journal;
  internals_.journal_files = &journal;
  options_.directory = dir_ / "new";
  Open();
  ASSERT_OK(Put("k"));
  Close();
  const std::uint64_t before = journal.operations();
  Open();
  const std::uint64_t last = journal.operations() - before - 1;  // of opening it: a sync
  Close();
  journal.FailAt(last, UINT64_MAX / 2);
  Open();
  ASSERT_TRUE(journal.has_failed());
  EXPECT_NE(State(), "serving none");
  ExpectPassesBy();
  ExpectOneComputationBetweenTwoInvalidations();
  journal.Heal();
  CareLater();
  EXPECT_EQ(Get("k"), "value of k");
  ExpectServes();
}

TEST_F(OpeningFaultTest, WhatWasHotComesBackWhenTheStoreDoes) {
  Close();
  internals_.hot_tier = true;
  Open();
  CareLater();
  ASSERT_OK(Put("k"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("k"), "value of k");
  ASSERT_GT(core_->GetStats().hot_entries, 0u);
  Close();
  files_->full() = true;
  Open();
  CareLater(61s);  // and the list is not lost when it would be saved
  EXPECT_EQ(core_->GetStats().hot_entries, 0u);
  files_->full() = false;
  CareLater(65s);
  EXPECT_GT(core_->GetStats().hot_entries, 0u);
}

}  // namespace
}  // namespace larder
