// Between the end of a flight and the end of its write: who comes then, and what it finds.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cache_core.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "larder/observer.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

class FlightWriteTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    Open();
  }
  void Open() {
    Result<std::unique_ptr<Cache>> cache = OpenCache(options_, internals_);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  Lease Lead(std::string_view key) { return std::get<Lease>(cache_->Acquire(key)); }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Options options_;
  CacheInternals internals_;
  std::unique_ptr<Cache> cache_;
};

// The answer goes out before it is written; the write may take long.
TEST_F(FlightWriteTest, ValueStillBeingWrittenIsHeldToTheCallersTerms) {
  Lease lease = Lead("k");
  bool fresh_served = false;
  bool old_served = true;
  bool expired_served = true;
  lease.Follow().OnEnd([&](const FlightEnd&) {
    fresh_served = std::holds_alternative<Hit>(cache_->Acquire("k"));
    clock_.Advance(std::chrono::seconds(5));
    old_served = std::holds_alternative<Hit>(cache_->Acquire("k", {.max_age = Duration(1000)}));
  });
  lease.Commit("v", {.ttl = std::chrono::seconds(10)});
  EXPECT_TRUE(fresh_served);
  EXPECT_FALSE(old_served);
  Lease second = Lead("other");
  second.Follow().OnEnd([&](const FlightEnd&) {
    clock_.Advance(std::chrono::seconds(60));
    expired_served = std::holds_alternative<Hit>(cache_->Acquire("other"));
  });
  second.Commit("v", {.ttl = std::chrono::seconds(10)});
  EXPECT_FALSE(expired_served);
}

// What is to be written later is written when the test wants.
class BackgroundWriteTest : public FlightWriteTest {
 protected:
  void SetUp() override {
    internals_.write_later = [this](std::function<void()> write) {
      writes_.push_back(std::move(write));
      return true;
    };
    FlightWriteTest::SetUp();
  }
  void TearDown() override { writes_.clear(); }
  void Write() {
    while (!writes_.empty()) {
      writes_.front()();
      writes_.pop_front();
    }
  }
  std::string Get(const ReadOptions& options = {}) {
    const std::optional<Hit> hit = cache_->Get("k", options);
    return hit ? std::string(hit->entry.body()) : "MISS";
  }
  bool IsStored() { return cache_->GetStats().stores > 0; }

  std::deque<std::function<void()>> writes_;
};

TEST_F(BackgroundWriteTest, AnswerComputedIsReturnedBeforeItIsWritten) {
  const auto load = []() -> Result<Computed> { return Computed{"v"}; };
  const Result<Entry> entry = cache_->GetOrCompute("k", {}, load);
  ASSERT_OK(entry);
  EXPECT_EQ(entry->body(), "v");
  EXPECT_FALSE(IsStored());
  Write();
  EXPECT_TRUE(IsStored());
}

TEST_F(BackgroundWriteTest, EveryReaderFindsItBeforeItIsWritten) {
  ASSERT_EQ(Lead("k").CommitInBackground("v").body(), "v");
  EXPECT_TRUE(std::holds_alternative<Hit>(cache_->Acquire("k")));
  EXPECT_TRUE(std::holds_alternative<Hit>(cache_->Acquire("k", {.tags = {"of this reader"}})));
  EXPECT_EQ(Get(), "v");
  EXPECT_TRUE(cache_->Peek("k").has_value());
  EXPECT_TRUE(cache_->GetInMemory("k").has_value());
  const std::string_view keys[] = {"k"};
  EXPECT_TRUE(cache_->MultiGet(keys).at(0).has_value());
  EXPECT_FALSE(IsStored());
  EXPECT_EQ(cache_->GetStats().misses_absent, 1u) << "the one that led";
}

TEST_F(BackgroundWriteTest, ReaderFindsTheValueComputedLastAndNotTheStoredOne) {
  ASSERT_OK(cache_->Put("k", "old"));
  Acquired acquired = cache_->Acquire("k", {.newer_than = kRefresh});
  std::get<Lease>(acquired).CommitInBackground("new");
  EXPECT_EQ(Get(), "new");
}

TEST_F(BackgroundWriteTest, InvalidationBeforeItIsWrittenHoldsAndIsToldToWhoWaitsForTheStore) {
  Lease lease = Lead("k");
  std::optional<PutOutcome> written;
  lease.Follow().OnWritten([&](PutOutcome outcome) { written = outcome; });
  lease.CommitInBackground("v", {.tags = {"t"}});
  ASSERT_OK(cache_->Invalidate({.tags = {"t"}}));
  EXPECT_EQ(Get(), "MISS");
  Write();
  EXPECT_EQ(written, PutOutcome::kSuperseded);
  EXPECT_EQ(Get(), "MISS");
}

TEST_F(BackgroundWriteTest, TagOfTheReaderThatWasInvalidatedHolds) {
  Lead("k").CommitInBackground("v");
  ASSERT_OK(cache_->Invalidate({.tags = {"t"}}));
  EXPECT_EQ(Get({.tags = {"t"}}), "MISS");
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k", {.tags = {"t"}})));
}

TEST_F(BackgroundWriteTest, WhatIsPutOrRemovedBeforeItIsWrittenWins) {
  Lead("k").CommitInBackground("v");
  ASSERT_OK(cache_->Put("k", "newer"));
  EXPECT_EQ(Get(), "newer");
  Write();
  EXPECT_EQ(Get(), "newer");
  Acquired acquired = cache_->Acquire("k", {.newer_than = kRefresh});
  std::get<Lease>(acquired).CommitInBackground("newest");
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_EQ(Get(), "MISS");
  Write();
  EXPECT_EQ(Get(), "MISS");
}

TEST_F(BackgroundWriteTest, WhatReadersFindIsNotAbsentToWhoTouchesOrExplainsIt) {
  ASSERT_OK(cache_->Put("k", "old", {.ttl = Duration(1000)}));
  Acquired acquired = cache_->Acquire("k", {.newer_than = kRefresh});
  std::get<Lease>(acquired).CommitInBackground("new", {.ttl = Duration(1000)});
  ASSERT_EQ(Get(), "new");
  EXPECT_EQ(cache_->Touch("k", Duration(60'000)).code(), StatusCode::kUnavailable)
      << "its row is that of another value";
  EXPECT_EQ(cache_->Explain("k").why, Why::kUnreachable);
  Write();
  ASSERT_OK(cache_->Touch("k", Duration(60'000)));
  EXPECT_EQ(cache_->Explain("k").why, Why::kFresh);
  clock_.Advance(Duration(30'000));
  EXPECT_EQ(Get(), "new");
}

TEST_F(BackgroundWriteTest, WriteThatIsDroppedLeavesNothingBehind) {
  Lead("k").CommitInBackground("v");
  writes_.clear();
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("k"))) << "the next may compute";
}

TEST_F(FlightWriteTest, ClosingAndSyncWriteWhatWasHandedOut) {
  constexpr int kValues = 200;
  const auto key = [](int i) { return "key " + std::to_string(i); };
  for (int i = 0; i < kValues; ++i) {
    Lead(key(i)).CommitInBackground(std::string(10'000, 'v'));
    if (i != kValues / 2) continue;
    ASSERT_OK(cache_->Sync());
    EXPECT_EQ(cache_->GetStats().stores, static_cast<std::uint64_t>(i) + 1);
  }
  cache_.reset();
  Open();
  for (int i = 0; i < kValues; ++i) EXPECT_TRUE(cache_->Get(key(i)).has_value()) << i;
}

TEST_F(FlightWriteTest, TouchAndExplainWaitForTheValueThatWasHandedOut) {
  for (int i = 0; i < 50; ++i) {
    const std::string key = "key " + std::to_string(i);
    Lead(key).CommitInBackground(std::string(10'000, 'v'), {.ttl = Duration(1000)});
    ASSERT_OK(cache_->Touch(key, kForever)) << i;
    Lead("other " + key).CommitInBackground("v");
    ASSERT_EQ(cache_->Explain("other " + key).why, Why::kFresh) << i;
  }
}

// It would be read after what replaced it: the newer one was acknowledged, and is gone by itself.
TEST_F(FlightWriteTest, ValueStillBeingWrittenGivesWayToOnePutMeanwhile) {
  for (const bool together : {false, true}) {
    Lease lease = Lead("k");
    std::optional<Acquired> acquired;
    lease.Follow().OnEnd([&](const FlightEnd&) {
      const PutRequest newer{.key = "k", .body = "new", .options = {.ttl = Duration(1000)}};
      if (together) {
        ASSERT_OK(cache_->MultiPut({&newer, 1}).front());
      } else {
        ASSERT_OK(cache_->Put(newer.key, newer.body, newer.options));
      }
      clock_.Advance(Duration(2000));
      acquired = cache_->Acquire("k");
    });
    EXPECT_EQ(lease.Commit("old").outcome, PutOutcome::kSuperseded);
    ASSERT_TRUE(acquired.has_value());
    EXPECT_TRUE(std::holds_alternative<Lease>(*acquired));
  }
}

// From the moment a value is stored until its flight has left the table.
TEST_F(FlightWriteTest, LifetimeThatATouchTookIsNotGivenBackByTheFlight) {
  struct Toucher final : Observer {
    void OnStored(const Stored& stored) override {
      if (cache == nullptr) return;
      touched = cache->Touch(stored.key, Duration(0));
      hit = std::holds_alternative<larder::Hit>(cache->Acquire(stored.key));
    }
    Cache* cache = nullptr;
    Status touched = {StatusCode::kInternal, "not called"};
    bool hit = true;
  } toucher;
  cache_.reset();
  options_.observer = &toucher;
  Open();
  toucher.cache = cache_.get();
  Lease lease = Lead("k");
  ASSERT_EQ(lease.Commit("v").outcome, PutOutcome::kStored);
  EXPECT_OK(toucher.touched);
  EXPECT_FALSE(toucher.hit);
  cache_.reset();
}

}  // namespace
}  // namespace larder
