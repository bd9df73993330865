// Out of memory where a caller, or who waits for one, could be left without an answer: the n-th
// allocation of the thread fails, for every n that there is.
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "allocations.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "late_cache.h"
#include "memory_journal_files.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::Famine;

constexpr char kText[] = "longer than what a string holds without memory of its own";

class OutOfMemoryTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    Options options;
    options.directory = dir_ / "cache";
    options.clock = &clock_;
    if (GetParam()) {
      options.executor = [this](std::function<void()> work) { work_.push_back(std::move(work)); };
    }
    options_ = options;
    Open();
  }
  void Open() {
    cache_.reset();
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  // A call that never reads the store, which is not ours to starve.
  Lease Lead() { return std::get<Lease>(cache_->Acquire("k", {.newer_than = kRefresh})); }
  void RunWork() {
    for (const auto& work : std::exchange(work_, {})) work();
  }
  // Calls `run` with less and less famine, until all goes well. It returns whether it did.
  static void ForEachAllocation(const std::function<void(long)>& run) {
    for (long n = 0; n < kMost; ++n) {
      run(n);
      if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "at allocation " << n;
      if (well_) return;
    }
    FAIL() << "more than " << kMost << " allocations";
  }
  static constexpr long kMost = 500;
  static inline bool well_ = false;

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::vector<std::function<void()>> work_;
  Options options_;
  std::unique_ptr<Cache> cache_;
};

TEST_P(OutOfMemoryTest, AcquireStillGivesALeaseThatCanBeUsed) {
  ForEachAllocation([this](long n) {
    std::optional<Acquired> acquired;
    {
      const Famine famine(n);
      acquired.emplace(cache_->Acquire("k", {.newer_than = kRefresh}));
      well_ = !famine.came();
    }
    Lease& lease = std::get<Lease>(*acquired);
    std::string body;
    lease.Follow().OnEnd([&](const FlightEnd& end) {
      if (end.entry.has_value()) body = end.entry->body();
    });
    EXPECT_EQ(lease.Commit("v").entry.body(), "v");
    RunWork();
    EXPECT_EQ(body, "v");
  });
}

TEST_P(OutOfMemoryTest, EveryFollowerIsToldOnceHowItEnded) {
  ForEachAllocation([this](long n) {
    Lease lease = Lead();
    std::vector<int> told(5);
    for (int& times : told) lease.Follow().OnEnd([&times](const FlightEnd&) { ++times; });
    int no_piece = 0;
    int not_written = 0;
    lease.Follow().OnPiece(
        0, [&](const std::optional<SharedBytes>& piece) { no_piece += piece.has_value() ? 0 : 1; });
    lease.Follow().OnWritten(
        [&](PutOutcome outcome) { not_written += outcome == PutOutcome::kNotStored ? 1 : 0; });
    {
      const Famine famine(n);
      try {
        static_cast<void>(lease.Commit(kText, {.ttl = Duration(0)}));
      } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch): as flight.h says
      }
      well_ = !famine.came();
    }
    RunWork();
    for (const int times : told) EXPECT_EQ(times, 1);
    EXPECT_EQ(no_piece, 1);
    EXPECT_EQ(not_written, 1);
  });
}

TEST_P(OutOfMemoryTest, EveryFollowerIsToldOnceOfALeaseThatIsDropped) {
  ForEachAllocation([this](long n) {
    std::optional<Lease> lease = Lead();
    std::vector<int> told(5);
    for (int& times : told) lease->Follow().OnEnd([&times](const FlightEnd&) { ++times; });
    {
      const Famine famine(n);
      lease.reset();
      well_ = !famine.came();
    }
    RunWork();
    for (const int times : told) EXPECT_EQ(times, 1);
  });
}

TEST_P(OutOfMemoryTest, InvalidationThatFailsTakesNoOlderOneBack) {
  ForEachAllocation([this](long n) {
    const std::string narrow = "users:" + std::to_string(1'000'000'000 + n) + ":";
    ASSERT_OK(cache_->Put(narrow + "k", "v"));
    ASSERT_OK(cache_->Invalidate({.prefixes = {narrow}}));
    const Invalidation wide{.prefixes = {"users:1"}};
    {
      const Famine famine(n);
      static_cast<void>(cache_->Invalidate(wide));
      static_cast<void>(cache_->GetStats());
      well_ = !famine.came();
    }
    EXPECT_FALSE(cache_->Get(narrow + "k").has_value());
  });
}

// Whether it could say so or not.
TEST_P(OutOfMemoryTest, InvalidationThatHoldsInMemoryHoldsAfterReopening) {
  ForEachAllocation([this](long n) {
    ASSERT_OK(cache_->Put("k", "v"));
    ASSERT_OK(cache_->Invalidate({.tags = {"one that the other covers"}}));
    const Invalidation everything{.all = true};
    {
      const Famine famine(n);
      static_cast<void>(cache_->Invalidate(everything));
      well_ = !famine.came();
    }
    const bool held = !cache_->Get("k").has_value();
    ASSERT_NO_FATAL_FAILURE(Open());
    EXPECT_FALSE(held && cache_->Get("k").has_value());
  });
}

TEST_P(OutOfMemoryTest, PieceThatWasTakenReachesWhoWaitsForIt) {
  ForEachAllocation([this](long n) {
    Lease lease = Lead();
    std::vector<int> told(3);
    for (int& times : told) {
      lease.Follow().OnPiece(
          0, [&](const std::optional<SharedBytes>& piece) { times += piece.has_value() ? 1 : 0; });
    }
    bool taken = true;
    {
      const SharedBytes piece((std::string(kText)));
      const Famine famine(n);
      try {
        lease.Append(piece);
      } catch (const std::bad_alloc&) {
        taken = false;
      }
      well_ = !famine.came();
    }
    if (!taken) lease.Append(SharedBytes(std::string(kText)));
    RunWork();
    for (const int times : told) EXPECT_EQ(times, 1);
  });
}

TEST_P(OutOfMemoryTest, WaitThatIsStoppedIsTold) {
  ForEachAllocation([this](long n) {
    Lease lease = Lead();
    std::stop_source stop;
    int told = 0;
    lease.Follow().OnEnd([&](const FlightEnd&) { ++told; }, kForever, stop.get_token());
    {
      const Famine famine(n);
      stop.request_stop();
      well_ = !famine.came();
    }
    RunWork();
    EXPECT_EQ(told, 1);
  });
}

// The call itself never throws; what it returns then is one answer of the three, or an error. The
// entry is in memory, so that the store is not looked at.
class OutOfMemoryComputingTest : public OutOfMemoryTest {
 protected:
  void PutStale() {
    ASSERT_OK(cache_->Put("k", kText,
                          {.ttl = Duration(1), .stale_while_revalidate = std::chrono::hours(1)}));
    clock_.Advance(Duration(2));
  }
  // As a program's: it does not fit into a std::function.
  Loader Answering(Result<Computed> answer) {
    return [answer = std::move(answer), this] {
      ++computed_;
      return answer;
    };
  }
  int computed_ = 0;
};

TEST_P(OutOfMemoryComputingTest, WhatIsStaleIsServedOrComputed) {
  ForEachAllocation([this](long n) {
    ASSERT_NO_FATAL_FAILURE(PutStale());
    const Loader loader = Answering(Computed{kText, {.ttl = Duration(0)}});
    Result<Entry> entry = Status(StatusCode::kUnavailable, "not asked");
    {
      const Famine famine(n);
      entry = cache_->GetOrCompute("k", {}, loader);
      well_ = !famine.came();
    }
    EXPECT_TRUE(!entry.ok() || entry->body() == kText);
    EXPECT_TRUE(!well_ || entry.ok());
    RunWork();
    EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k", {}))) << "no lease is left";
  });
}

TEST_P(OutOfMemoryComputingTest, LoaderThatFailsIsAnError) {
  ASSERT_OK(cache_->Put("k", kText));
  const Loader loader = Answering(Status(StatusCode::kUnavailable, kText));
  ForEachAllocation([&](long n) {
    Result<Entry> entry = Status(StatusCode::kOk, "");
    {
      const Famine famine(n);
      entry = cache_->GetOrCompute("k", {.newer_than = kRefresh}, loader);
      well_ = !famine.came();
    }
    EXPECT_FALSE(entry.ok());
    EXPECT_TRUE(!well_ || entry.status().message() == kText);
  });
}

TEST_P(OutOfMemoryComputingTest, FollowerWhoseTimeIsUpIsTold) {
  ASSERT_OK(cache_->Put("k", kText));
  const std::uint64_t newer_than = cache_->Get("k")->entry.number();
  const Loader loader = Answering(Status(StatusCode::kUnavailable, kText));
  const Lease lease = std::get<Lease>(cache_->Acquire("k", {.newer_than = newer_than}));
  ForEachAllocation([&](long n) {
    Result<Entry> entry = Status(StatusCode::kOk, "");
    computed_ = 0;
    {
      const Famine famine(n);
      entry =
          cache_->GetOrCompute("k", {.newer_than = newer_than, .max_wait = Duration(0)}, loader);
      well_ = !famine.came();
    }
    EXPECT_FALSE(entry.ok());
    EXPECT_TRUE(computed_ != 0 || entry.status().code() == StatusCode::kDeadlineExceeded);
  });
  EXPECT_EQ(computed_, 0);
}

TEST_P(OutOfMemoryComputingTest, FollowerOfWhatFailedIsTold) {
  Lease lease = Lead();
  const Flight flight = lease.Follow();
  lease.Abandon({StatusCode::kUnavailable, kText});
  ForEachAllocation([&](long n) {
    FlightEnd end;
    {
      const Famine famine(n);
      end = flight.Wait(Duration(0));
      well_ = !famine.came();
    }
    EXPECT_EQ(end.status.code(), StatusCode::kUnavailable);
  });
}

// What was computed before the cache opened has a number of its own, for which the options of a
// later call are copied.
TEST(OutOfMemoryLateTest, CallThatCannotCopyItsOptionsIsAMissAndNoException) {
  const testing::TempDir dir;
  testing::MemoryJournalFiles journal;
  journal.FailAt(0, UINT64_MAX / 4);
  Options options;
  options.directory = dir / "cache";
  Result<std::unique_ptr<Cache>> opened =
      OpenCacheLate(options, {.journal_files = &journal},
                    {.patience = std::chrono::minutes(1),
                     .first_pause = std::chrono::milliseconds(1),
                     .longest_pause = std::chrono::milliseconds(1)});
  ASSERT_OK(opened);
  Cache& cache = **opened;
  Acquired late = cache.Acquire("k");
  const ReadOptions newer{.tags = {kText},
                          .newer_than = std::get<Lease>(late).Commit("v").entry.number()};
  journal.Heal();
  while (!cache.GetHealth().reads) std::this_thread::yield();
  for (const long n : {0, 1}) {  // the list of tags, and the tag
    std::optional<Acquired> acquired;
    bool found = false;
    {
      const Famine famine(n);
      found = cache.Get("k", newer).has_value();
    }
    {
      const Famine famine(n);
      found |= cache.Peek("k", newer).has_value();
    }
    {
      const Famine famine(n);
      found |= cache.GetInMemory("k", newer).has_value();
    }
    {
      const Famine famine(n);
      found |= cache.AcquireInMemory("k", newer).has_value();
    }
    {
      const Famine famine(n);
      acquired.emplace(cache.Acquire("k", newer));
    }
    EXPECT_FALSE(found);
    ASSERT_TRUE(std::holds_alternative<Lease>(*acquired));
    EXPECT_EQ(std::get<Lease>(*acquired).Commit("v").entry.body(), "v");
  }
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutExecutor, OutOfMemoryComputingTest, ::testing::Bool());
INSTANTIATE_TEST_SUITE_P(WithAndWithoutExecutor, OutOfMemoryTest, ::testing::Bool());

}  // namespace
}  // namespace larder
