// Single-flight: one computation per key, shared as it runs and when it ends (P7, P1).
#include "larder/flight.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fake_clock.h"
#include "larder/cache.h"
#include "record.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::HasCode;

class FlightTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    Open();
  }
  void Open() {
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  Lease Lead(std::string_view key, const ReadOptions& options = {}) {
    Acquired acquired = cache_->Acquire(key, options);
    EXPECT_TRUE(std::holds_alternative<Lease>(acquired)) << "of three, " << acquired.index();
    return std::get<Lease>(std::move(acquired));
  }
  Flight Join(std::string_view key, const ReadOptions& options = {}) {
    Acquired acquired = cache_->Acquire(key, options);
    EXPECT_TRUE(std::holds_alternative<Flight>(acquired)) << "of three, " << acquired.index();
    return std::get<Flight>(std::move(acquired));
  }
  bool Leads(std::string_view key, const ReadOptions& options = {}) {
    return std::holds_alternative<Lease>(cache_->Acquire(key, options));
  }
  Status InvalidateTag(const std::string& tag) {
    return cache_->Invalidate({.tags = {tag}}).status();
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Options options_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(FlightTest, FollowersShareTheLeadersValue) {
  Lease lease = Lead("k");
  const Flight first = Join("k");
  const Flight second = Join("k");
  EXPECT_EQ(first.number(), lease.number());
  EXPECT_EQ(lease.Commit("v", {}).outcome, PutOutcome::kStored);
  EXPECT_EQ(first.Wait().entry->body(), "v");
  EXPECT_EQ(second.Wait().entry->body(), "v");
  EXPECT_EQ(cache_->Get("k")->entry.body(), "v");
  EXPECT_EQ(cache_->GetStats().coalesced, 2u);
}

TEST_F(FlightTest, FollowersShareTheLeadersError) {
  Lease lease = Lead("k");
  const Flight flight = Join("k");
  lease.Abandon({StatusCode::kUnavailable, "upstream is down"});
  const FlightEnd end = flight.Wait();
  EXPECT_FALSE(end.entry.has_value());
  EXPECT_EQ(end.status.message(), "upstream is down");
  EXPECT_TRUE(Leads("k")) << "an error is not kept";
}

TEST_F(FlightTest, WrittenComesAfterTheEndAndSaysWhetherTheStoreHasIt) {
  std::vector<std::string> told;
  const auto listen = [&](const Flight& flight) {
    flight.OnEnd([&](const FlightEnd&) { told.emplace_back("end"); });
    flight.OnWritten([&](PutOutcome outcome) {
      const bool found = cache_->Get("k").has_value();
      told.emplace_back(outcome == PutOutcome::kStored ? "stored" : "not stored");
      EXPECT_EQ(found, outcome == PutOutcome::kStored);
    });
  };
  Lease lease = Lead("k");
  listen(lease.Follow());
  lease.Commit("v", {.ttl = Duration(0)});
  EXPECT_EQ(told, (std::vector<std::string>{"end", "not stored"}));
  told.clear();
  {
    Lease dropped = Lead("k");
    listen(dropped.Follow());
  }
  EXPECT_EQ(told, (std::vector<std::string>{"end", "not stored"}));
  told.clear();
  Lease stored = Lead("k");
  const Flight flight = stored.Follow();
  listen(flight);
  stored.Commit("v");
  EXPECT_EQ(told, (std::vector<std::string>{"end", "stored"}));
  bool late = false;
  flight.OnWritten([&](PutOutcome) { late = true; });
  EXPECT_TRUE(late);
}

TEST_F(FlightTest, LeaseAndItsFollowersKnowWhyThereWasNothing) {
  const auto reason_of = [&](const ReadOptions& read = {}) {
    const Lease lease = Lead("k", read);
    EXPECT_EQ(lease.Follow().reason(), lease.reason());
    return lease.reason();
  };
  EXPECT_EQ(reason_of(), MissReason::kAbsent);
  ASSERT_OK(cache_->Put("k", "v", {.ttl = std::chrono::seconds(10), .tags = {"t"}}));
  EXPECT_EQ(reason_of({.newer_than = kRefresh}), MissReason::kUnwanted);
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(reason_of(), MissReason::kExpired);
  ASSERT_OK(cache_->Put("k", "v", {.tags = {"t"}}));
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(reason_of(), MissReason::kInvalidated);
  ASSERT_OK(cache_->Put("k", "v"));
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_EQ(reason_of(), MissReason::kInvalidated);
}

TEST_F(FlightTest, DroppedLeaseTellsFollowersToAcquireAgain) {
  Flight flight = [this] {
    const Lease lease = Lead("k");
    return lease.Follow();
  }();
  EXPECT_EQ(flight.Wait().status.code(), StatusCode::kCancelled);
  EXPECT_TRUE(Leads("k"));
}

TEST_F(FlightTest, PiecesArriveInOrderAsAppendedAlsoForLateFollowers) {
  Lease lease = Lead("k");
  const Flight early = Join("k");
  std::vector<std::string> seen;
  const auto take = [&seen](std::optional<SharedBytes> piece) {
    seen.push_back(piece.has_value() ? std::string(piece->view()) : "END");
  };
  early.OnPiece(0, take);
  EXPECT_TRUE(seen.empty());
  lease.Append(SharedBytes(std::string("one")));
  EXPECT_EQ(seen, (std::vector<std::string>{"one"})) << "before the end";
  early.OnPiece(1, take);
  early.OnPiece(2, take);
  lease.Append(SharedBytes(std::string("two")));
  lease.Commit("all", {});
  EXPECT_EQ(seen, (std::vector<std::string>{"one", "two", "END"}));
  const Flight late = early;
  seen.clear();
  for (std::size_t i = 0; i < 3; ++i) late.OnPiece(i, take);
  EXPECT_EQ(seen, (std::vector<std::string>{"one", "two", "END"}));
}

TEST_F(FlightTest, InvalidationInTheMiddleMakesTheNextCallerCompute) {
  Lease lease = Lead("k", {.tags = {"t"}});
  const Flight before = Join("k", {.tags = {"t"}});
  ASSERT_OK(InvalidateTag("t"));
  Lease next = Lead("k", {.tags = {"t"}});
  EXPECT_GT(next.number(), lease.number());
  const Flight after = Join("k", {.tags = {"t"}});
  EXPECT_EQ(after.number(), next.number()) << "later callers go with the new flight";
  EXPECT_EQ(lease.Commit("old", {}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(next.Commit("new", {}).outcome, PutOutcome::kStored);
  EXPECT_EQ(before.Wait().entry->body(), "old");
  EXPECT_EQ(after.Wait().entry->body(), "new");
  EXPECT_EQ(cache_->Get("k")->entry.body(), "new");
}

TEST_F(FlightTest, RemovalInTheMiddleMakesTheNextCallerCompute) {
  Lease lease = Lead("k");
  ASSERT_OK(cache_->Remove("k"));
  Lease next = Lead("k");
  EXPECT_EQ(next.Commit("new", {}).outcome, PutOutcome::kStored);
  EXPECT_EQ(lease.Commit("old", {}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(cache_->Get("k")->entry.body(), "new");
}

TEST_F(FlightTest, CallerWhoseOwnTagWasInvalidatedDoesNotJoin) {
  Lease lease = Lead("k");
  ASSERT_OK(InvalidateTag("mine"));
  EXPECT_TRUE(Leads("k", {.tags = {"mine"}}));
}

TEST_F(FlightTest, TagsOfEveryCallerAreStored) {
  Lease lease = Lead("k", {.tags = {"a"}});
  const Flight flight = Join("k", {.tags = {"a", "b"}});
  lease.Commit("v", {.tags = {"c", "a"}});
  EXPECT_EQ(cache_->Get("k")->entry.tags(), (std::vector<std::string_view>{"a", "b", "c"}));
  ASSERT_OK(InvalidateTag("b"));
  EXPECT_FALSE(cache_->Get("k").has_value());
}

TEST_F(FlightTest, CallersWithTooManyTagsTogetherComputeApart) {
  Lease lease = Lead("k");
  for (std::size_t i = 0; i < kMaxFlightTags; ++i) {
    static_cast<void>(Join("k", {.tags = {"t" + std::to_string(i)}}));
  }
  EXPECT_TRUE(Leads("k", {.tags = {"one more"}}));
}

TEST_F(FlightTest, TagNamedOnlyAtTheEndSendsFollowersBackIfItWasInvalidated) {
  Lease lease = Lead("k");
  ASSERT_OK(InvalidateTag("late"));
  const Flight flight = Join("k");  // cannot know
  const Committed committed = lease.Commit("old", {.tags = {"late"}});
  EXPECT_EQ(committed.entry.body(), "old");
  EXPECT_EQ(committed.outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(flight.Wait().status.code(), StatusCode::kCancelled);
}

TEST_F(FlightTest, RefreshNeverJoinsAnOlderFlight) {
  Lease old = Lead("k");
  Lease fresh = Lead("k", {.newer_than = kRefresh});
  EXPECT_EQ(Join("k").number(), fresh.number());
  EXPECT_EQ(fresh.Commit("fresh", {}).outcome, PutOutcome::kStored);
  EXPECT_EQ(old.Commit("old", {}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(cache_->Get("k")->entry.body(), "fresh");
}

TEST_F(FlightTest, ThoseWhoPassOverTheSameEntryShareOneFlight) {
  ASSERT_OK(cache_->Put("k", "without usage"));
  const std::uint64_t number = cache_->Get("k")->entry.number();
  Lease lease = Lead("k", {.newer_than = number});
  const Flight flight = Join("k", {.newer_than = number});
  EXPECT_EQ(flight.number(), lease.number());
}

TEST_F(FlightTest, TtlOfZeroIsSharedButNotKept) {
  Lease lease = Lead("k");
  const Flight flight = Join("k");
  EXPECT_EQ(lease.Commit("an error answer", {.ttl = Duration(0)}).outcome, PutOutcome::kNotStored);
  EXPECT_EQ(flight.Wait().entry->body(), "an error answer");
  EXPECT_TRUE(Leads("k"));
}

TEST_F(FlightTest, WaitGivesUpAtItsTimeout) {
  Lease lease = Lead("k");
  EXPECT_THAT(Join("k").Wait(Duration(1)).status, HasCode(StatusCode::kDeadlineExceeded));
  lease.Commit("v", {});
}

TEST_F(FlightTest, VeryLongWaitIsNotOverAtOnce) {
  Lease lease = Lead("k");
  const Flight flight = Join("k");
  FlightEnd end;
  std::thread waiter([&] { end = flight.Wait(kForever - Duration(1)); });
  lease.Commit("v", {});
  waiter.join();
  ASSERT_TRUE(end.entry.has_value()) << end.status.ToString();
  EXPECT_EQ(end.entry->body(), "v");
}

TEST_F(FlightTest, ClosingTellsFollowersAndLeavesTheLeaseHarmless) {
  Lease lease = Lead("k");
  const Flight flight = Join("k");
  ASSERT_OK(cache_->Close());
  EXPECT_EQ(flight.Wait().status.code(), StatusCode::kCancelled);
  EXPECT_EQ(lease.Commit("v", {}).status.code(), StatusCode::kUnavailable);
}

TEST_F(FlightTest, LeaseMayOutliveTheCache) {
  Lease lease = Lead("k");
  Lease dropped = Lead("other");
  cache_.reset();
  const Committed committed = lease.Commit("v", {});
  EXPECT_EQ(committed.entry.body(), "v");
  EXPECT_EQ(committed.status.code(), StatusCode::kUnavailable);
}

TEST_F(FlightTest, ExecutorRunsTheCallbacks) {
  cache_.reset();
  std::vector<std::function<void()>> posted;
  options_.executor = [&posted](std::function<void()> call) { posted.push_back(std::move(call)); };
  Open();
  Lease lease = Lead("k");
  bool called = false;
  lease.Follow().OnEnd([&called](const FlightEnd&) { called = true; });
  lease.Commit("v", {});
  EXPECT_FALSE(called);
  ASSERT_EQ(posted.size(), 1u);
  posted[0]();
  EXPECT_TRUE(called);
}

TEST_F(FlightTest, CallbackThatThrowsHarmsNobodyElse) {
  Lease lease = Lead("k");
  const Flight flight = lease.Follow();
  flight.OnEnd([](const FlightEnd&) { throw std::runtime_error("careless"); });
  bool called = false;
  flight.OnEnd([&called](const FlightEnd&) { called = true; });
  EXPECT_EQ(lease.Commit("v", {}).outcome, PutOutcome::kStored);
  EXPECT_TRUE(called);
}

TEST_F(FlightTest, TenThousandCallbacksOneComputation) {
  Lease lease = Lead("k");
  int called = 0;
  for (int i = 0; i < 10'000; ++i) {
    Join("k").OnEnd([&called](const FlightEnd& end) { called += end.entry.has_value() ? 1 : 0; });
  }
  lease.Commit("v", {});
  EXPECT_EQ(called, 10'000);
}

TEST_F(FlightTest, FollowersWithManyDifferentTagsShareOneComputation) {
  Lease lease = Lead("k");
  for (int i = 0; i < 200; ++i) static_cast<void>(Join("k", {.tags = {"t" + std::to_string(i)}}));
  EXPECT_EQ(lease.Commit("v", {}).outcome, PutOutcome::kStored);
  EXPECT_EQ(cache_->Get("k")->entry.tags().size(), 200u);
}

TEST_F(FlightTest, FollowersWithManyTagsLeaveRoomForTheWriters) {
  std::vector<std::string> many;
  for (int i = 0; i < 32; ++i) many.push_back("t" + std::to_string(i));
  Lease lease = Lead("k");
  const Flight flight = Join("k", {.tags = many});
  EXPECT_EQ(lease.Commit("v", {.tags = {"mine"}}).outcome, PutOutcome::kStored);
  EXPECT_EQ(cache_->Get("k")->entry.tags().size(), 33u);
}

TEST_F(FlightTest, InvalidatedValueIsNotHandedOverAlsoWhereItIsNotStored) {
  for (const WriteOptions& options :
       {WriteOptions{.ttl = Duration(0), .tags = {"t"}},
        WriteOptions{.tags = {"t"}, .metadata = std::string(5000, 'm')}}) {
    Lease lease = Lead("k");
    ASSERT_OK(InvalidateTag("t"));
    const Flight flight = Join("k");
    lease.Commit("old", options);
    EXPECT_EQ(flight.Wait().status.code(), StatusCode::kCancelled);
  }
}

TEST_F(FlightTest, WaitDoesNotNeedTheExecutor) {
  cache_.reset();
  options_.executor = [](const std::function<void()>&) {};  // never gets to it
  Open();
  Lease lease = Lead("k");
  const Flight flight = Join("k");
  lease.Commit("v", {});
  EXPECT_EQ(flight.Wait(Duration(60'000)).entry->body(), "v");
}

TEST_F(FlightTest, ExecutorThatThrowsLosesNoCallback) {
  cache_.reset();
  options_.executor = [](const std::function<void()>&) { throw std::runtime_error("stopped"); };
  Open();
  bool called = false;
  {
    const Lease lease = Lead("k");
    Join("k").OnEnd([&called](const FlightEnd&) { called = true; });
  }
  EXPECT_TRUE(called);
  EXPECT_TRUE(Leads("k"));
}

TEST_F(FlightTest, LateReaderTakesManyPiecesWithoutNesting) {
  constexpr std::size_t kPieces = 200'000;
  Lease lease = Lead("k");
  for (std::size_t i = 0; i < kPieces; ++i) lease.Append(SharedBytes());
  struct Reader {
    void Next() {
      flight.OnPiece(taken, [this](const std::optional<SharedBytes>& piece) {
        if (!piece.has_value()) return;
        ++taken;
        Next();
      });
    }
    const Flight flight;
    std::size_t taken = 0;
  } reader{lease.Follow()};
  reader.Next();
  EXPECT_EQ(reader.taken, kPieces);
  lease.Abandon({StatusCode::kCancelled, "enough"});
}

TEST_F(FlightTest, AbandoningWithoutAnErrorIsOurMistakeNotAValue) {
  Lease lease = Lead("k");
  const Flight flight = lease.Follow();
  lease.Abandon(Status::Ok());
  EXPECT_EQ(flight.Wait().status.code(), StatusCode::kInternal);
}

TEST_F(FlightTest, GetOrComputeWaitsNoLongerThanItsCallerAllows) {
  const Lease lease = Lead("k");
  const auto never = []() -> Result<Computed> { return Computed{"mine"}; };
  EXPECT_THAT(cache_->GetOrCompute("k", {.max_wait = Duration(1)}, never),
              HasCode(StatusCode::kDeadlineExceeded));
}

TEST_F(FlightTest, GetOrComputeRunsOneLoaderForManyThreads) {
  constexpr int kThreads = 64;
  std::atomic<int> computed{0};
  std::atomic<int> waiting{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      ++waiting;
      const Result<Entry> entry = cache_->GetOrCompute("k", {}, [&]() -> Result<Computed> {
        while (waiting < kThreads) std::this_thread::yield();
        ++computed;
        return Computed{"v"};
      });
      ASSERT_OK(entry);
      EXPECT_EQ(entry->body(), "v");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(computed, 1);
}

TEST_F(FlightTest, LoadersErrorGoesToItsCallerAndIsNotKept) {
  const auto fails = []() -> Result<Computed> {
    return Status(StatusCode::kResourceExhausted, "quota");
  };
  EXPECT_THAT(cache_->GetOrCompute("k", {}, fails), HasCode(StatusCode::kResourceExhausted));
  EXPECT_OK(cache_->GetOrCompute("k", {}, []() -> Result<Computed> { return Computed{"v"}; }));
}

TEST_F(FlightTest, LoadersExceptionBecomesItsTypeOnly) {
  const auto throws = []() -> Result<Computed> { throw std::runtime_error("a secret prompt"); };
  const Result<Entry> entry = cache_->GetOrCompute("k", {}, throws);
  EXPECT_EQ(entry.status(), Status(StatusCode::kInternal, "the loader threw std::runtime_error"));
}

// The truth changes, then its invalidation is acknowledged. A reader that begins after that must
// get what was computed from the new truth.
TEST_F(FlightTest, NoReaderSeesAValueFromBeforeAnAcknowledgedInvalidation) {
  constexpr int kRounds = 300;
  std::atomic<std::uint64_t> truth{0};
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&, key = "k" + std::to_string(t % 2)] {
      while (!done) {
        const std::uint64_t at_least = acknowledged.load();
        const Result<Entry> entry = cache_->GetOrCompute(
            key, {.tags = {"t"}},
            [&]() -> Result<Computed> { return Computed{std::to_string(truth.load())}; });
        ASSERT_OK(entry);
        ASSERT_GE(std::stoull(std::string(entry->body())), at_least);
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t now = truth.fetch_add(1) + 1;
    ASSERT_OK(InvalidateTag("t"));
    acknowledged = now;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace larder
