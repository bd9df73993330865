// Why a key is a hit or a miss, also after a restart.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cache_fixture.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::CacheTest;
using testing::ConfigName;
using ::testing::HasSubstr;
using testing::kConfigurations;

class ExplainTest : public CacheTest {
 protected:
  Why WhyOf(std::string_view key) { return cache_->Explain(key).why; }
};

TEST_P(ExplainTest, WhatIsThereIsFreshOrStaleOrExpired) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s, .stale_if_error = 10s}));
  const TimePoint start = clock_.Wall();
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    const Explanation explanation = cache_->Explain("k");
    EXPECT_EQ(explanation.why, Why::kFresh);
    EXPECT_EQ(explanation.fresh_until, start + 60s);
    EXPECT_EQ(explanation.expires, start + 70s);
    EXPECT_GT(explanation.number, 0u);
  }
  clock_.Advance(60s);
  EXPECT_EQ(WhyOf("k"), Why::kStale);
  clock_.Advance(10s);
  EXPECT_EQ(WhyOf("k"), Why::kExpired);
  EXPECT_THAT(cache_->Explain("k").ToString(), HasSubstr("expired at unix ms"));
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(WhyOf("k"), Why::kAbsent);
  EXPECT_EQ(WhyOf("never"), Why::kAbsent);
}

TEST_P(ExplainTest, TheInvalidationIsNamedWithItsNumber) {
  ASSERT_OK(Put("tagged", "v", {.tags = {"s", "t"}}));
  ASSERT_OK(Put("p/k", "v"));
  ASSERT_OK(cache_->Compact());  // rows that are only in memory are reclaimed when it closes
  const Result<std::uint64_t> by_tag = cache_->Invalidate({.tags = {"t"}});
  const Result<std::uint64_t> by_prefix = cache_->Invalidate({.prefixes = {"p/"}});
  for (const bool reopened : {false, true}) {
    if (reopened) Reopen();
    const Explanation tagged = cache_->Explain("tagged");
    EXPECT_EQ(tagged.why, Why::kTag);
    EXPECT_EQ(tagged.rule, "t");
    EXPECT_EQ(tagged.rule_number, *by_tag);
    const Explanation prefixed = cache_->Explain("p/k");
    EXPECT_EQ(prefixed.why, Why::kPrefix);
    EXPECT_EQ(prefixed.rule, "p/");
    EXPECT_EQ(prefixed.rule_number, *by_prefix);
  }
  ASSERT_OK(Put("k", "v"));
  const Result<std::uint64_t> all = cache_->Invalidate({.all = true});
  EXPECT_EQ(WhyOf("k"), Why::kEverything);
  EXPECT_EQ(cache_->Explain("k").rule_number, *all);
}

TEST_P(ExplainTest, TagsOfTheReadCountToo) {
  ASSERT_OK(Put("k", "v"));
  ASSERT_OK(InvalidateTag("mine"));
  EXPECT_EQ(WhyOf("k"), Why::kFresh);
  EXPECT_EQ(cache_->Explain("k", {.tags = {"mine"}}).why, Why::kTag);
}

TEST_P(ExplainTest, ASoftInvalidationIsNamedWithItsTime) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s, .stale_if_error = 10s, .tags = {"t"}}));
  clock_.Advance(5s);
  ASSERT_OK(cache_->Invalidate({.tags = {"t"}, .soft = true}));
  Reopen();
  const Explanation explanation = cache_->Explain("k");
  EXPECT_EQ(explanation.why, Why::kStale);
  EXPECT_EQ(explanation.rule, "t");
  EXPECT_EQ(explanation.fresh_until, clock_.Wall());
}

TEST_P(ExplainTest, RemovedAndReclaimedAreToldApartWhileTheirMarkersStand) {
  Acquired keeps_markers = cache_->Acquire("another key");
  ASSERT_OK(Put("removed", "v"));
  ASSERT_OK(Put("expired", "v", {.ttl = 1s}));
  ASSERT_OK(cache_->Remove("removed"));
  clock_.Advance(1s);
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(WhyOf("removed"), Why::kRemoved);
  EXPECT_EQ(WhyOf("expired"), Why::kReclaimed);
}

TEST_P(ExplainTest, ItSaysWhoIsComputingAndWhatWasRefused) {
  Acquired slow = cache_->Acquire("k");
  EXPECT_TRUE(cache_->Explain("k").computing);
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_EQ(std::get<Lease>(slow).Commit("v").outcome, PutOutcome::kSuperseded);
  EXPECT_FALSE(cache_->Explain("k").computing);
  EXPECT_THAT(cache_->Explain("k").refused, HasSubstr("something newer"));
  EXPECT_EQ(cache_->Put("short", "v", {.ttl = 0s}).status(), Status::Ok());
  EXPECT_THAT(cache_->Explain("short").ToString(), HasSubstr("ttl was 0"));
  EXPECT_EQ(cache_->Explain("other").refused, "");
}

TEST_P(ExplainTest, ItLeavesNoTrace) {
  ASSERT_OK(Put("k", "v"));
  const Stats before = cache_->GetStats();
  cache_->Explain("k");
  cache_->Explain("other");
  const Stats after = cache_->GetStats();
  EXPECT_EQ(after.hits, before.hits);
  EXPECT_EQ(after.misses, before.misses);
}

TEST_P(ExplainTest, AClosedCacheCannotSay) {
  ASSERT_OK(cache_->Close());
  EXPECT_EQ(WhyOf("k"), Why::kUnreachable);
}

INSTANTIATE_TEST_SUITE_P(Configurations, ExplainTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder
