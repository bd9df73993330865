#include "larder/client/cache_status.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

using namespace std::chrono_literals;

TEST(CacheStatusTest, AHitTellsItsTimeLeftAndItsKey) {
  CacheOutcome outcome;
  outcome.ttl = 3540s;
  outcome.key = "00ff";
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; hit; ttl=3540; key=\"00ff\"");
  outcome.ttl = 1999ms;
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; hit; ttl=1; key=\"00ff\"");
  outcome.ttl = kForever;
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; hit; key=\"00ff\"");
}

TEST(CacheStatusTest, AStaleHitHasANegativeTime) {
  CacheOutcome outcome;
  outcome.ttl = -4001ms;
  outcome.detail = "stale-while-revalidate";
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; hit; ttl=-5; detail=stale-while-revalidate");
}

TEST(CacheStatusTest, AMissTellsWhatBecameOfIt) {
  CacheOutcome outcome;
  outcome.forward = Forward::kMiss;
  outcome.key = "00ff";
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; fwd=miss");
  outcome.stored = true;
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; fwd=miss; stored");
  outcome.stored = false;
  outcome.collapsed = true;
  EXPECT_EQ(FormatCacheStatus(outcome), "larder; fwd=miss; collapsed");
}

TEST(CacheStatusTest, OtherWaysUpstreamHaveTheirNames) {
  const auto format = [](Forward forward, const char* detail) {
    CacheOutcome outcome;
    outcome.forward = forward;
    outcome.detail = detail;
    return FormatCacheStatus(outcome);
  };
  EXPECT_EQ(format(Forward::kBypass, "stateful"), "larder; fwd=bypass; detail=stateful");
  EXPECT_EQ(format(Forward::kBypass, "not-i-json"), "larder; fwd=bypass; detail=not-i-json");
  EXPECT_EQ(format(Forward::kMiss, "no-usage"), "larder; fwd=miss; detail=no-usage");
  EXPECT_EQ(format(Forward::kRequest, ""), "larder; fwd=request");
  EXPECT_EQ(format(Forward::kPartial, ""), "larder; fwd=partial");
  EXPECT_EQ(format(Forward::kMiss, "two \"words\""),
            "larder; fwd=miss; detail=\"two \\\"words\\\"\"");

  CacheOutcome stale;
  stale.forward = Forward::kStale;
  stale.forward_status = 503;
  stale.ttl = -20s;
  stale.detail = "stale-if-error";
  EXPECT_EQ(FormatCacheStatus(stale),
            "larder; fwd=stale; fwd-status=503; ttl=-20; detail=stale-if-error");
}

TEST(CacheStatusTest, SavingsAreToldWhereTheyAreKnown) {
  CacheOutcome outcome;
  EXPECT_EQ(FormatSaved(outcome), "");
  outcome.saved_time = 1830ms;
  EXPECT_EQ(FormatSaved(outcome), "ms=1830");
  outcome.saved_microusd = 4200;
  EXPECT_EQ(FormatSaved(outcome), "microusd=4200, ms=1830");
}

}  // namespace
}  // namespace larder::client
