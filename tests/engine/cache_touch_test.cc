// Touch lengthens, or shortens, a life and revives nothing.
#include <gtest/gtest.h>

#include <thread>

#include "cache_fixture.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::CacheTest;
using testing::ConfigName;
using testing::HasCode;
using testing::kConfigurations;

class TouchTest : public CacheTest {};

TEST_P(TouchTest, TouchedEntryLivesForItsNewTtlFromThen) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  EXPECT_EQ(Get("k"), "v");  // into memory
  clock_.Advance(50s);
  ASSERT_OK(cache_->Touch("k", 60s));
  clock_.Advance(59'999ms);
  EXPECT_EQ(Get("k"), "v");
  Reopen();
  EXPECT_EQ(Get("k"), "v");
  clock_.Advance(1ms);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(TouchTest, ALifeCanBeShortened) {
  ASSERT_OK(Put("k", "v", {.ttl = kForever}));
  EXPECT_EQ(Get("k"), "v");
  ASSERT_OK(cache_->Touch("k", 10s));
  clock_.Advance(10s);
  EXPECT_EQ(Get("k"), "MISS");
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  ASSERT_OK(cache_->Touch("k", 0s));
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(TouchTest, AShortenedLifeStaysShortThroughCompaction) {
  ASSERT_OK(Put("k", "v", {.ttl = kForever}));
  ASSERT_OK(cache_->Compact());
  ASSERT_OK(cache_->Touch("k", 10s));
  clock_.Advance(10s);
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(TouchTest, ForeverIsForEver) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  ASSERT_OK(cache_->Touch("k", kForever));
  clock_.Advance(24h * 365);
  EXPECT_EQ(Get("k"), "v");
}

TEST_P(TouchTest, OnlyTheLifetimeChanges) {
  ASSERT_OK(Put("k", std::string(3000, 'b'),
                {.ttl = 60s,
                 .stale_if_error = 10s,
                 .tags = {"a", "b"},
                 .cost_microusd = 42,
                 .compute_time = 1830ms,
                 .metadata = "meta"}));
  const Entry before = cache_->Get("k")->entry;
  clock_.Advance(5s);
  ASSERT_OK(cache_->Touch("k", 100s));
  const Entry after = cache_->Get("k")->entry;
  EXPECT_EQ(after.body(), before.body());
  EXPECT_EQ(after.tags(), before.tags());
  EXPECT_EQ(after.metadata(), "meta");
  EXPECT_EQ(after.cost_microusd(), 42u);
  EXPECT_EQ(after.compute_time(), 1830ms);
  EXPECT_EQ(after.number(), before.number()) << "a touch is not a new computation";
  EXPECT_EQ(after.created(), before.created());
  EXPECT_EQ(after.fresh_until(), clock_.Wall() + 100s);
  EXPECT_EQ(after.expires() - after.fresh_until(), 10s);
}

TEST_P(TouchTest, AStaleEntryCanBeTouchedAnExpiredOneNot) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s, .stale_if_error = 10s}));
  clock_.Advance(65s);
  EXPECT_EQ(Get("k"), "MISS");
  ASSERT_OK(cache_->Touch("k", 60s));
  EXPECT_EQ(Get("k"), "v");
  clock_.Advance(70s);
  EXPECT_THAT(cache_->Touch("k", 60s), HasCode(StatusCode::kNotFound));
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
}

TEST_P(TouchTest, WhatIsAbsentInvalidOrRemovedIsNotRevived) {
  EXPECT_THAT(cache_->Touch("absent", 60s), HasCode(StatusCode::kNotFound));
  ASSERT_OK(Put("removed", "v"));
  ASSERT_OK(cache_->Remove("removed"));
  EXPECT_THAT(cache_->Touch("removed", 60s), HasCode(StatusCode::kNotFound));
  EXPECT_EQ(Get("removed"), "MISS");
  ASSERT_OK(Put("tagged", "v", {.tags = {"t"}}));
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_THAT(cache_->Touch("tagged", 60s), HasCode(StatusCode::kNotFound));
  EXPECT_EQ(Get("tagged"), "MISS");
  ASSERT_OK(Put("k", "v"));
  ASSERT_OK(cache_->Invalidate({.all = true}));
  EXPECT_THAT(cache_->Touch("k", 60s), HasCode(StatusCode::kNotFound));
}

TEST_P(TouchTest, ATouchedEntryIsStillCoveredByALaterInvalidation) {
  ASSERT_OK(Put("k", "v", {.tags = {"t"}}));
  ASSERT_OK(cache_->Touch("k", 1h));
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(Get("k"), "MISS");
  Reopen();
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(TouchTest, AValueBeingComputedReplacesWhatIsTouchedMeanwhile) {
  ASSERT_OK(Put("k", "old"));
  Acquired acquired = cache_->Acquire("k", {.newer_than = kRefresh});
  ASSERT_OK(cache_->Touch("k", 1h));
  EXPECT_EQ(std::get<Lease>(acquired).Commit("new").outcome, PutOutcome::kStored);
  EXPECT_EQ(Get("k"), "new");
}

TEST_P(TouchTest, ATouchDoesNotBringBackWhatWasReplaced) {
  ASSERT_OK(Put("k", "old"));
  ASSERT_OK(Put("k", "new"));
  ASSERT_OK(cache_->Touch("k", 1h));
  EXPECT_EQ(Get("k"), "new");
}

TEST_P(TouchTest, BesideReadersNoOldLifeIsLeftInMemory) {
  ASSERT_OK(Put("k", "v", {.ttl = kForever}));
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop) Get("k");
  });
  for (int i = 0; i < 300; ++i) {
    ASSERT_OK(cache_->Touch("k", kForever));
    EXPECT_EQ(Get("k"), "v");
    ASSERT_OK(cache_->Touch("k", 0s));
    EXPECT_EQ(Get("k"), "MISS");
    ASSERT_OK(Put("k", "v", {.ttl = kForever}));
  }
  stop = true;
  reader.join();
}

TEST_P(TouchTest, BadArgumentsAreRefused) {
  EXPECT_THAT(cache_->Touch("", 60s), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->Touch("k", -1ms), HasCode(StatusCode::kInvalidArgument));
  ASSERT_OK(cache_->Close());
  EXPECT_THAT(cache_->Touch("k", 60s), HasCode(StatusCode::kUnavailable));
}

INSTANTIATE_TEST_SUITE_P(Configurations, TouchTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder
