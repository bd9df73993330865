// The states, on a store that fails as told and a clock that is moved by hand.
#include "supervisor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fake_clock.h"
#include "status_matchers.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;

const Status kFull(StatusCode::kResourceExhausted, "no space");
const Status kBroken(StatusCode::kUnavailable, "broken");

// What all stores of a test share: how their calls end, and how many came.
struct Disk {
  Status writes;
  ReadOutcome reads = ReadOutcome::kAbsent;
  Status opening;
  Status probe;
  std::uint64_t free_bytes = 1000;
  int calls = 0;
  int opened = 0;
  int set_aside = 0;
};

std::unique_ptr<const Turnstile::Pass> Held(Supervisor& supervisor) {
  return std::unique_ptr<const Turnstile::Pass>(new Turnstile::Pass(supervisor.EnterToRead()));
}

class FakeStore final : public Store {
 public:
  explicit FakeStore(Disk& disk) : disk_(disk) {}
  ReadOutcome Get(std::string_view /*key*/, PinnedRow& /*row*/) override {
    ++disk_.calls;
    return disk_.reads;
  }
  ReadOutcome GetCached(std::string_view key, PinnedRow& row) override { return Get(key, row); }
  ReadOutcome Peek(std::string_view key, PinnedRow& row) override { return Get(key, row); }
  std::vector<ReadOutcome> MultiGet(std::span<const std::string_view> keys,
                                    std::span<PinnedRow> /*rows*/) override {
    ++disk_.calls;
    return {keys.size(), disk_.reads};
  }
  Result<bool> Scan(
      std::string_view /*from*/,
      const std::function<bool(std::string_view, std::string_view)>& /*visit*/) override {
    ++disk_.calls;
    return false;
  }
  Status Put(std::string_view /*key*/, std::string_view /*row*/, bool /*sync*/) override {
    ++disk_.calls;
    return disk_.writes;
  }
  Status MultiPut(std::span<const KeyAndRow> /*rows*/, bool sync) override {
    return Put({}, {}, sync);
  }
  Status PutSynced(std::string_view key, std::string_view row, StoreMark& mark) override {
    mark.sequence = 1;
    return Put(key, row, true);
  }
  Status Sync() override { return disk_.writes; }
  Result<StoreBackup> BackUp(StoreBackupTask /*task*/) override { return StoreBackup{}; }
  Status Flush() override { return Status::Ok(); }
  std::vector<StoreFile> Files() override { return {}; }
  Status Rewrite(const std::vector<std::string>& /*names*/, int /*level*/,
                 std::shared_ptr<RunningMerge> /*merge*/) override {
    return Status::Ok();
  }
  Status SetPlan(const SpacePlan& /*plan*/) override { return Status::Ok(); }
  Result<std::set<std::uint64_t>> DictionariesInUse() override { return std::set<std::uint64_t>(); }
  void StartCompactions() override {}
  Status HoldCompactions() override { return Status::Ok(); }
  void ReleaseCompactions() override {}
  void Interrupt() override {
    interrupted_ = true;
    interrupted_.notify_all();
  }
  void WaitForInterrupt() { interrupted_.wait(false); }
  const RecoveredStore& recovered() const override { return recovered_; }
  std::uint64_t LatestSequence() const override { return 1; }
  std::uint64_t EstimatedRows() const override { return 0; }
  std::uint64_t TableBytes() const override { return 0; }
  std::uint64_t PinnedBytes() const override { return 0; }
  bool IsStalled() const override { return false; }
  std::uint64_t MemtableBytes() const override { return 0; }

 private:
  Disk& disk_;
  const RecoveredStore recovered_{.sequence = 1};
  std::atomic<bool> interrupted_{false};
};

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() {
    SupervisorOptions options;
    options.open = [this]() -> Result<std::unique_ptr<Store>> {
      ++disk_.opened;
      if (!disk_.opening.ok()) return disk_.opening;
      return std::unique_ptr<Store>(std::make_unique<FakeStore>(disk_));
    };
    options.set_aside = [this](const Status&) {
      ++disk_.set_aside;
      return Status::Ok();
    };
    options.probe = [this] { return disk_.probe; };
    options.recovered = [this](Store&) { return recovered_; };
    options.free_bytes = [this]() -> Result<std::uint64_t> { return disk_.free_bytes; };
    options.log = [this](LogLevel, std::string_view line) { log_.emplace_back(line); };
    options.clock = &clock_;
    options.counters = &counters_;
    options.reserve_bytes = 100;
    options.resume_bytes = 200;
    supervisor_ = std::make_unique<Supervisor>(std::move(options));
    supervisor_->Start(std::make_unique<FakeStore>(disk_));
  }
  ~SupervisorTest() override {
    supervisor_->Shut();
    supervisor_->Stop();
  }
  void Put() {
    const Turnstile::Pass pass = supervisor_->EnterToStore(1);
    if (pass) static_cast<void>(supervisor_->Put("k", "v", false));
  }
  void Get() {
    const Turnstile::Pass pass = supervisor_->EnterToRead();
    PinnedRow row;
    if (pass) supervisor_->Get("k", row);
  }
  // As the steward, a second later.
  void TickLater(Duration by = 1s) {
    clock_.Advance(by);
    supervisor_->Tick();
  }
  std::string State() {
    const Health health = supervisor_->health();
    return std::string(HealthStateName(health.state)) + " " +
           std::string(HealthReasonName(health.reason)) + (health.reads ? " reads" : "") +
           (health.writes ? " writes" : "");
  }
  std::uint64_t Count(Counter counter) {
    return counters_.Read()[static_cast<std::size_t>(counter)];
  }

  testing::FakeClock clock_;
  Counters counters_;
  Disk disk_;
  Status recovered_;
  std::vector<std::string> log_;
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, ServesAtFirst) {
  EXPECT_EQ(State(), "serving none reads writes");
  EXPECT_TRUE(log_.empty());
}

TEST_F(SupervisorTest, FailedWriteLeavesReadsUntilTheDiskTakesWritesAgain) {
  disk_.writes = kFull;
  disk_.probe = kFull;
  Put();
  EXPECT_EQ(State(), "degraded disk_full reads");
  TickLater();
  EXPECT_EQ(State(), "degraded disk_full reads");
  EXPECT_EQ(disk_.opened, 0);
  disk_.writes = Status::Ok();
  disk_.probe = Status::Ok();
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
  EXPECT_EQ(disk_.opened, 1);
  EXPECT_EQ(Count(Counter::kReopened), 1u);
}

TEST_F(SupervisorTest, DegradedModeAsksTheStoreForNoWrite) {
  disk_.writes = kBroken;
  Put();
  const int calls = disk_.calls;
  for (int i = 0; i < 100; ++i) Put();
  EXPECT_EQ(disk_.calls, calls);
  EXPECT_FALSE(supervisor_->EnterToRemove());
  EXPECT_THAT(supervisor_->Sync(), HasCode(StatusCode::kUnavailable));
}

TEST_F(SupervisorTest, BeingBehindWithMergesIsNoFault) {
  disk_.writes = Status(StatusCode::kDeadlineExceeded, "behind");
  Put();
  StoreMark mark;
  EXPECT_THAT(supervisor_->PutSynced("k", "v", mark), HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, FailedMergeIsHealedByReopeningAlso) {
  supervisor_->BackgroundFailed(kBroken);
  EXPECT_EQ(State(), "degraded io_error reads");
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, OneBadSectorIsNoReasonToReopen) {
  disk_.reads = ReadOutcome::kFault;
  for (int i = 0; i < 7; ++i) Get();
  disk_.reads = ReadOutcome::kFound;
  Get();
  disk_.reads = ReadOutcome::kFault;
  for (int i = 0; i < 7; ++i) Get();
  EXPECT_EQ(State(), "serving none reads writes");
  EXPECT_EQ(Count(Counter::kStoreFaults), 14u);
  EXPECT_EQ(log_.size(), 1u) << "counted each time, logged once";
}

TEST_F(SupervisorTest, ReadsThatFailOnAndOnKeepEverybodyOut) {
  disk_.reads = ReadOutcome::kFault;
  disk_.probe = kBroken;
  for (int i = 0; i < 100; ++i) Get();
  EXPECT_EQ(disk_.calls, 8);
  EXPECT_EQ(State(), "degraded io_error");
  disk_.reads = ReadOutcome::kFound;
  disk_.probe = Status::Ok();
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, StoreThatCannotBeReopenedKeepsEverybodyOutAndIsTriedAgain) {
  disk_.writes = kBroken;
  Put();
  disk_.opening = {StatusCode::kDataLoss, "bad manifest"};
  TickLater();
  EXPECT_EQ(State(), "reopening corruption");
  EXPECT_FALSE(supervisor_->EnterToRead());
  EXPECT_THAT(supervisor_->RunLong([](Store&) { return Status::Ok(); }),
              HasCode(StatusCode::kUnavailable));
  disk_.opening = Status::Ok();
  disk_.writes = Status::Ok();
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
  EXPECT_OK(supervisor_->RunLong([](Store&) { return Status::Ok(); }));
}

TEST_F(SupervisorTest, LedgerThatCannotFollowKeepsTheStoreOutOfUse) {
  disk_.writes = kBroken;
  Put();
  recovered_ = kBroken;
  TickLater();
  EXPECT_EQ(State(), "reopening io_error");
  recovered_ = Status::Ok();
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, ReopeningThatDoesNotLastIsRepeatedLessAndLessOften) {
  disk_.writes = kBroken;
  for (int i = 0; i < 600; ++i) {
    Put();
    TickLater();
  }
  EXPECT_LE(disk_.opened, 16) << "1, 2, 4, ... 64 s apart";
  EXPECT_GE(disk_.opened, 10);
}

TEST_F(SupervisorTest, NearlyFullDiskStopsValuesButNeitherReadsNorRemovals) {
  disk_.free_bytes = 99;
  supervisor_->Tick();
  EXPECT_EQ(State(), "degraded disk_full reads");
  EXPECT_TRUE(supervisor_->EnterToRemove());
  EXPECT_FALSE(supervisor_->EnterToStore(1));
  disk_.free_bytes = 150;
  supervisor_->Tick();
  EXPECT_EQ(State(), "degraded disk_full reads") << "not on and off at the edge";
  disk_.free_bytes = 200;
  supervisor_->Tick();
  EXPECT_EQ(State(), "serving none reads writes");
  EXPECT_EQ(disk_.opened, 0) << "nothing failed";
}

TEST_F(SupervisorTest, FreeSpaceIsLookedAtWithoutWaitingForTheStewardToo) {
  disk_.free_bytes = 99;
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(supervisor_->EnterToStore(std::size_t{127} << 10));
  EXPECT_FALSE(supervisor_->EnterToStore(std::size_t{127} << 10)) << "a MiB has gone by";
}

TEST_F(SupervisorTest, CallThatHangsKeepsOthersOutUntilItComesBack) {
  supervisor_->Watch();
  std::unique_ptr<const Turnstile::Pass> hanging;
  hanging = Held(*supervisor_);
  supervisor_->Watch();
  clock_.Advance(999ms);
  supervisor_->Watch();
  EXPECT_EQ(State(), "serving none reads writes");
  clock_.Advance(1ms);
  supervisor_->Watch();
  EXPECT_EQ(State(), "degraded hanging_disk");
  EXPECT_FALSE(supervisor_->EnterToRead());
  EXPECT_FALSE(supervisor_->EnterToRemove());
  hanging.reset();
  supervisor_->Watch();
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, LongWorkIsNotTakenForHanging) {
  EXPECT_OK(supervisor_->RunLong([this](Store&) {
    for (int i = 0; i < 60; ++i) {
      clock_.Advance(1s);
      supervisor_->Watch();
    }
    EXPECT_EQ(State(), "serving none reads writes");
    return Status::Ok();
  }));
}

TEST_F(SupervisorTest, ASoundStoreIsOpenedAnewOnDemandAndThatIsNoFault) {
  supervisor_->Renew("it needs other options");
  EXPECT_EQ(State(), "serving none reads writes");
  static_cast<void>(supervisor_->RunLong([this](Store&) {
    TickLater();
    return Status::Ok();
  }));
  EXPECT_EQ(disk_.opened, 0) << "long work is not cut off for that";
  TickLater();
  EXPECT_EQ(disk_.opened, 1);
  EXPECT_EQ(State(), "serving none reads writes");
  EXPECT_EQ(Count(Counter::kReopened), 1u);
  EXPECT_EQ(Count(Counter::kStoreFaults) + Count(Counter::kFaultEpisodes), 0u);
  ASSERT_FALSE(log_.empty());
  EXPECT_EQ(log_[0], "the store is opened anew: it needs other options");
  TickLater(10s);
  EXPECT_EQ(disk_.opened, 1);
}

TEST_F(SupervisorTest, AStoreThatCannotBeOpenedAnewOnDemandIsAFault) {
  disk_.opening = kBroken;
  supervisor_->Renew("it needs other options");
  TickLater();
  EXPECT_EQ(State(), "reopening io_error");
  disk_.opening = Status::Ok();
  TickLater(10s);
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, ReopeningInterruptsLongWork) {
  std::promise<void> started;
  std::thread worker([&] {
    const Status status = supervisor_->RunLong([&](Store& store) {
      started.set_value();
      dynamic_cast<FakeStore&>(store).WaitForInterrupt();
      return Status::Ok();
    });
    EXPECT_OK(status);
  });
  started.get_future().wait();
  disk_.writes = kBroken;
  Put();
  TickLater();
  worker.join();
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, LongWorkThatHangsElsewhereDelaysReopeningButNotReads) {
  std::promise<void> started;
  std::promise<void> answered;
  std::thread worker([&] {
    EXPECT_OK(supervisor_->RunLong([&](Store&) {
      started.set_value();
      answered.get_future().wait();
      return Status::Ok();
    }));
  });
  started.get_future().wait();
  disk_.writes = kBroken;
  Put();
  for (int i = 0; i < 10; ++i) TickLater();
  EXPECT_EQ(State(), "degraded io_error reads");
  EXPECT_EQ(disk_.opened, 0);
  answered.set_value();
  worker.join();
  TickLater();
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, DamageThatEachMergeFindsAgainSetsTheStoreAside) {
  const Status damage(StatusCode::kDataLoss, "block checksum mismatch");
  for (int i = 1; i <= 3; ++i) {
    supervisor_->BackgroundFailed(damage);
    TickLater(64s);
    EXPECT_EQ(State(), "serving none reads writes");
    EXPECT_EQ(disk_.opened, i);
    EXPECT_EQ(disk_.set_aside, 0);
  }
  supervisor_->BackgroundFailed(damage);
  TickLater(64s);
  EXPECT_EQ(disk_.opened, 4);
  EXPECT_EQ(disk_.set_aside, 1);
}

TEST_F(SupervisorTest, DamageLongAgoIsNotHeldAgainstTheStore) {
  const Status damage(StatusCode::kDataLoss, "block checksum mismatch");
  for (int i = 0; i < 10; ++i) {
    supervisor_->BackgroundFailed(damage);
    TickLater(64s);
    TickLater(10min);
  }
  EXPECT_EQ(disk_.set_aside, 0);
}

TEST_F(SupervisorTest, UnwrittenInvalidationsShowAndHinderNothing) {
  supervisor_->NoteJournal(kFull);
  EXPECT_EQ(State(), "degraded journal reads writes");
  supervisor_->NoteJournal(Status::Ok());
  EXPECT_EQ(State(), "serving none reads writes");
}

TEST_F(SupervisorTest, EpisodeIsLoggedOnceWhenItBeginsAndOnceWhenItEnds) {
  disk_.writes = kFull;
  disk_.probe = kFull;
  for (int i = 0; i < 10; ++i) {
    Put();
    supervisor_->BackgroundFailed(kFull);
    TickLater();
  }
  disk_.writes = Status::Ok();
  disk_.probe = Status::Ok();
  TickLater();
  ASSERT_EQ(log_.size(), 2u);
  EXPECT_TRUE(log_[0].starts_with("store fault: degraded, disk_full")) << log_[0];
  EXPECT_EQ(log_[1], "the store is serving again after 11000 ms (disk_full)");
  EXPECT_EQ(Count(Counter::kFaultEpisodes), 1u);
}

TEST_F(SupervisorTest, HealthSaysSinceWhen) {
  const TimePoint start = supervisor_->health().since;
  clock_.Advance(5s);
  disk_.probe = kFull;
  supervisor_->BackgroundFailed(kFull);
  EXPECT_EQ(supervisor_->health().since, start + 5s);
  clock_.Advance(5s);
  supervisor_->BackgroundFailed(kFull);
  EXPECT_EQ(supervisor_->health().since, start + 5s) << "still the same episode";
}

TEST_F(SupervisorTest, NobodyIsLetInAfterShut) {
  supervisor_->Shut();
  EXPECT_EQ(State(), "closed none");
  EXPECT_FALSE(supervisor_->EnterToRead());
  supervisor_->Tick();
  EXPECT_EQ(disk_.opened, 0);
}

}  // namespace
}  // namespace larder
