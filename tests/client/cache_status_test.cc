#include "larder/client/cache_status.h"

#include <gtest/gtest.h>

#include "structured_field.h"

namespace larder::client {
namespace {

using larder::testing::SfItem;
using larder::testing::SfParameters;
using larder::testing::SfReader;
using larder::testing::SfToken;
using larder::testing::SfValue;
using namespace std::chrono_literals;

SfParameters ParametersOf(const CacheOutcome& outcome) {
  SfParameters parameters;
  if (outcome.hit()) {
    parameters["hit"] = true;
    if (!outcome.key.empty()) parameters["key"] = outcome.key;
  } else {
    constexpr const char* kNames[] = {"", "miss", "stale", "request", "partial", "bypass"};
    parameters["fwd"] = SfToken{kNames[static_cast<int>(outcome.forward)]};
  }
  if (outcome.forward_status) parameters["fwd-status"] = std::int64_t{*outcome.forward_status};
  if (outcome.ttl && *outcome.ttl != kForever) {
    parameters["ttl"] =
        std::int64_t{std::chrono::floor<std::chrono::seconds>(*outcome.ttl).count()};
  }
  if (outcome.stored) parameters["stored"] = true;
  if (outcome.collapsed) parameters["collapsed"] = true;
  return parameters;
}

// RFC 9211 is a list of RFC 8941's, and must be one whatever is in it.
TEST(CacheStatusTest, EveryOutcomeIsReadBackAsAStructuredField) {
  for (int bits = 0; bits < 6 * 32; ++bits) {
    CacheOutcome outcome;
    outcome.forward = static_cast<Forward>(bits / 32);
    outcome.stored = (bits & 1) != 0;
    outcome.collapsed = (bits & 2) != 0;
    if ((bits & 4) != 0) outcome.ttl = bits % 3 == 0 ? kForever : Duration(1500) * (bits - 90);
    if ((bits & 8) != 0) outcome.forward_status = 503;
    if ((bits & 16) != 0) outcome.key = std::string(64, 'a');
    const std::pair<const char*, SfValue> details[] = {
        {"no-usage", SfToken{"no-usage"}},
        {"two \"words\" \\", std::string("two \"words\" \\")},
        {"a\r\nset-cookie: b\x7f\xc3", std::string("aset-cookie: b")},
        {"9", std::string("9")},
        {", x; hit", std::string(", x; hit")},
    };
    for (const auto& [detail, read] : details) {
      outcome.detail = detail;
      const std::string theirs = "origin; hit; ttl=1, ";
      const std::vector<SfItem> list = SfReader(theirs + FormatCacheStatus(outcome)).List();
      ASSERT_EQ(list.size(), 2U);
      EXPECT_EQ(list[1].value, SfValue(SfToken{"larder"}));
      SfParameters wanted = ParametersOf(outcome);
      wanted["detail"] = read;
      EXPECT_EQ(list[1].parameters, wanted) << FormatCacheStatus(outcome);
    }
  }
}

TEST(CacheStatusTest, SavingsAreADictionary) {
  CacheOutcome outcome;
  outcome.saved_time = 1830ms;
  outcome.saved_microusd = 4200;
  const std::map<std::string, SfValue> wanted = {{"microusd", std::int64_t{4200}},
                                                 {"ms", std::int64_t{1830}}};
  EXPECT_EQ(SfReader(FormatSaved(outcome)).Dictionary(), wanted);
}

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
