// Deadlines of leases and of those who wait, and giving up a wait.
#include <gtest/gtest.h>

#include <future>
#include <stop_token>
#include <thread>

#include "fake_clock.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::HasCode;

class FlightDeadlineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<Cache>> cache =
        Cache::Open({.directory = dir_ / "cache", .clock = &clock_});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  template <typename What>
  What Take(const ReadOptions& options = {}) {
    Acquired acquired = cache_->Acquire("k", options);
    EXPECT_TRUE(std::holds_alternative<What>(acquired)) << acquired.index();
    return std::get<What>(std::move(acquired));
  }
  std::string Get() {
    const std::optional<Hit> hit = cache_->Get("k");
    return hit.has_value() ? std::string(hit->entry.body()) : "MISS";
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(FlightDeadlineTest, AnOverdueLeaseSendsItsFollowersToAcquireAgain) {
  Lease lease = Take<Lease>({.lease_timeout = 10s});
  const Flight flight = Take<Flight>();
  clock_.Advance(10s);
  const FlightEnd end = flight.Wait();  // ended by nobody's call
  EXPECT_THAT(end.status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(end.acquire_again);
  EXPECT_TRUE(lease.ended());
}

TEST_F(FlightDeadlineTest, TheNextCallerComputesAtOnceWhenALeaseIsOverdue) {
  Lease slow = Take<Lease>({.lease_timeout = 10s});
  clock_.Advance(9'999ms);
  EXPECT_FALSE(slow.ended());
  Take<Flight>();
  clock_.Advance(1ms);
  Lease next = Take<Lease>();
  EXPECT_GT(next.number(), slow.number());
  EXPECT_TRUE(slow.ended());
}

TEST_F(FlightDeadlineTest, ALateCommitIsStoredIfNothingNewerIsThere) {
  Lease late = Take<Lease>({.lease_timeout = 10s});
  clock_.Advance(10s);
  Lease next = Take<Lease>();
  EXPECT_EQ(late.Commit("late").outcome, PutOutcome::kStored);
  EXPECT_EQ(Get(), "late");
  EXPECT_EQ(next.Commit("next").outcome, PutOutcome::kStored);
  EXPECT_EQ(Get(), "next");
}

TEST_F(FlightDeadlineTest, ALateCommitDoesNotReplaceWhatIsNewer) {
  Lease late = Take<Lease>({.lease_timeout = 10s});
  clock_.Advance(10s);
  ASSERT_EQ(Take<Lease>().Commit("next").outcome, PutOutcome::kStored);
  EXPECT_EQ(late.Commit("late").outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get(), "next");
}

TEST_F(FlightDeadlineTest, ALateCommitCannotBringBackWhatWasRemovedAndReaped) {
  Lease late = Take<Lease>({.lease_timeout = 10s});
  clock_.Advance(10s);
  Take<Lease>();
  ASSERT_OK(cache_->Remove("k"));
  ASSERT_OK(cache_->Compact());  // the tombstone must stay for the late one
  EXPECT_EQ(late.Commit("late").outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get(), "MISS");
}

TEST_F(FlightDeadlineTest, ALateCommitCannotBringBackWhatWasInvalidated) {
  Lease late = Take<Lease>({.lease_timeout = 10s});
  clock_.Advance(10s);
  ASSERT_OK(cache_->Invalidate({.tags = {"t"}}));
  EXPECT_EQ(late.Commit("late", {.tags = {"t"}}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get(), "MISS");
}

TEST_F(FlightDeadlineTest, ALeaseInTimeIsLeftAlone) {
  Lease lease = Take<Lease>({.lease_timeout = 10s});
  const Flight flight = Take<Flight>();
  EXPECT_EQ(lease.Commit("v").outcome, PutOutcome::kStored);
  clock_.Advance(10s);
  EXPECT_EQ(flight.Wait().entry->body(), "v");
}

TEST_F(FlightDeadlineTest, AFollowersTimeoutIsItsOwn) {
  Lease lease = Take<Lease>();
  const Flight flight = Take<Flight>();
  std::promise<FlightEnd> hasty;
  std::promise<FlightEnd> patient;
  flight.OnEnd([&](FlightEnd end) { hasty.set_value(std::move(end)); }, 5s);
  flight.OnEnd([&](FlightEnd end) { patient.set_value(std::move(end)); }, 50s);
  clock_.Advance(5s);
  const FlightEnd end = hasty.get_future().get();
  EXPECT_THAT(end.status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(end.acquire_again);
  EXPECT_FALSE(lease.ended());
  lease.Commit("v");
  EXPECT_EQ(patient.get_future().get().entry->body(), "v");
  clock_.Advance(1h);
}

TEST_F(FlightDeadlineTest, AStoppedFollowerIsToldOnceAndTheOthersGoOn) {
  Lease lease = Take<Lease>();
  const Flight flight = Take<Flight>();
  std::stop_source stop;
  int calls = 0;
  StatusCode code = StatusCode::kOk;
  flight.OnEnd(
      [&](const FlightEnd& end) {
        ++calls;
        code = end.status.code();
      },
      kForever, stop.get_token());
  EXPECT_EQ(calls, 0);
  stop.request_stop();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(code, StatusCode::kCancelled);
  lease.Commit("v");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(flight.Wait().entry->body(), "v");
}

TEST_F(FlightDeadlineTest, AStopThatCameBeforeIsNoticed) {
  Lease lease = Take<Lease>();
  const Flight flight = Take<Flight>();
  std::stop_source stop;
  stop.request_stop();
  StatusCode code = StatusCode::kOk;
  flight.OnEnd([&](const FlightEnd& end) { code = end.status.code(); }, kForever, stop.get_token());
  EXPECT_EQ(code, StatusCode::kCancelled);
  EXPECT_THAT(flight.Wait(kForever, stop.get_token()).status, HasCode(StatusCode::kCancelled));
}

TEST_F(FlightDeadlineTest, StoppingAfterTheEndChangesNothing) {
  std::stop_source stop;
  int calls = 0;
  {
    Lease lease = Take<Lease>();
    Take<Flight>().OnEnd([&](const FlightEnd&) { ++calls; }, kForever, stop.get_token());
  }
  EXPECT_EQ(calls, 1);
  stop.request_stop();
  EXPECT_EQ(calls, 1);
}

TEST_F(FlightDeadlineTest, ABlockedWaitCanBeStopped) {
  Lease lease = Take<Lease>();
  const Flight flight = Take<Flight>();
  std::stop_source stop;
  std::future<FlightEnd> waited =
      std::async(std::launch::async, [&] { return flight.Wait(kForever, stop.get_token()); });
  stop.request_stop();
  EXPECT_THAT(waited.get().status, HasCode(StatusCode::kCancelled));
  EXPECT_FALSE(lease.ended());
}

TEST_F(FlightDeadlineTest, GetOrComputeGoesOnAfterAnOverdueLeaseAndStopsWhenTold) {
  Lease lease = Take<Lease>({.lease_timeout = 10s});
  std::stop_source stop;
  std::future<Result<Entry>> stopped = std::async(std::launch::async, [&] {
    return cache_->GetOrCompute("k", {.stop = stop.get_token()}, [] { return Computed{"x"}; });
  });
  while (cache_->GetStats().coalesced < 1) std::this_thread::yield();
  stop.request_stop();
  EXPECT_THAT(stopped.get(), HasCode(StatusCode::kCancelled));
  std::future<Result<Entry>> patient = std::async(std::launch::async, [&] {
    return cache_->GetOrCompute("k", {}, [] { return Computed{"mine"}; });
  });
  while (cache_->GetStats().coalesced < 2) std::this_thread::yield();
  clock_.Advance(10s);
  const Result<Entry> entry = patient.get();
  ASSERT_OK(entry);
  EXPECT_EQ(entry->body(), "mine");
}

TEST_F(FlightDeadlineTest, ALeadersOwnDeadlineErrorIsSharedNotRepeated) {
  Lease lease = Take<Lease>();
  const Flight flight = Take<Flight>();
  lease.Abandon({StatusCode::kDeadlineExceeded, "upstream was too slow"});
  const FlightEnd end = flight.Wait();
  EXPECT_EQ(end.status.message(), "upstream was too slow");
  EXPECT_FALSE(end.acquire_again);
}

TEST_F(FlightDeadlineTest, ClosingEndsWaitsWithDeadlinesToo) {
  Lease lease = Take<Lease>({.lease_timeout = 10s});
  std::promise<FlightEnd> told;
  lease.Follow().OnEnd([&](FlightEnd end) { told.set_value(std::move(end)); }, 5s);
  cache_.reset();
  EXPECT_THAT(told.get_future().get().status, HasCode(StatusCode::kCancelled));
  clock_.Advance(1h);
  EXPECT_EQ(lease.Commit("v").outcome, PutOutcome::kNotStored);
}

// What is computed for it is stored nowhere.
class UnstorableLeaseTest : public FlightDeadlineTest {
 protected:
  Lease TakeUnstorable(const ReadOptions& options = {}) {
    Acquired acquired = cache_->Acquire(std::string(kMaxKeyBytes + 1, 'k'), options);
    EXPECT_TRUE(std::holds_alternative<Lease>(acquired)) << acquired.index();
    return std::get<Lease>(std::move(acquired));
  }
  static std::future<FlightEnd> Follow(const Lease& lease, Duration timeout) {
    auto told = std::make_shared<std::promise<FlightEnd>>();
    lease.Follow().OnEnd([told](const FlightEnd& end) { told->set_value(end); }, timeout);
    return told->get_future();
  }
};

TEST_F(UnstorableLeaseTest, ItsFollowersAreToldInTime) {
  Lease lease = TakeUnstorable();
  std::future<FlightEnd> patient = Follow(lease, 20s);
  std::future<FlightEnd> impatient = Follow(lease, 10s);
  clock_.Advance(10s);
  EXPECT_THAT(impatient.get().status, HasCode(StatusCode::kDeadlineExceeded));
  EXPECT_EQ(patient.wait_for(0s), std::future_status::timeout);
  lease.Commit("v");
  EXPECT_EQ(patient.get().entry->body(), "v");
}

TEST_F(UnstorableLeaseTest, ItsFollowersAreToldWhenItIsOverdue) {
  const Lease lease = TakeUnstorable({.lease_timeout = 10s});
  std::future<FlightEnd> follower = Follow(lease, kForever);
  clock_.Advance(10s);
  EXPECT_THAT(follower.get().status, HasCode(StatusCode::kDeadlineExceeded));
}

TEST_F(UnstorableLeaseTest, ItsFollowersAreToldOfClosing) {
  Lease lease = TakeUnstorable();
  std::future<FlightEnd> follower = Follow(lease, kForever);
  std::future<FlightEnd> dropped;
  {
    const Lease other = TakeUnstorable();
    dropped = Follow(other, kForever);
  }
  EXPECT_THAT(dropped.get().status, HasCode(StatusCode::kCancelled));
  ASSERT_OK(cache_->Close());
  EXPECT_THAT(follower.get().status, HasCode(StatusCode::kCancelled));
  EXPECT_EQ(lease.Commit("v").entry.body(), "v");
}

TEST_F(UnstorableLeaseTest, OutlivesItsCache) {
  Lease lease = TakeUnstorable();
  Lease other = TakeUnstorable();
  cache_.reset();
  EXPECT_EQ(lease.Commit("v").entry.body(), "v");
}

}  // namespace
}  // namespace larder
