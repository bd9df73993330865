#include "upstream_freshness.h"

#include <gtest/gtest.h>

#include "http_date.h"

namespace larder::client {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

constexpr const char* kDate = "Thu, 26 Nov 2026 12:00:00 GMT";

UpstreamFreshness Read(const Headers& headers, bool is_private = false, Duration took = 0s) {
  return ReadFreshness(headers,
                       {.is_private = is_private, .now = *ParseHttpDate(kDate), .took = took});
}
UpstreamFreshness Control(const char* field) { return Read({{"Cache-Control", field}}); }

TEST(UpstreamFreshnessTest, MaxAgeCountsFromTheAnswersBirth) {
  EXPECT_EQ(Control("public, max-age=60").ttl, Duration(60s));
  EXPECT_EQ(Control("MAX-AGE=\"60\"").ttl, Duration(60s));
  EXPECT_EQ(Read({{"cache-control", "max-age=60"}, {"age", "45"}}).ttl, Duration(15s));
  EXPECT_EQ(Read({{"cache-control", "max-age=60"}, {"age", "45"}}, false, 5s).ttl, Duration(10s));
  EXPECT_EQ(Read({{"cache-control", "max-age=60"}, {"age", "61"}}).ttl, Duration(0));
  // The upstream's clock shows an earlier time: the answer was on its way for that long.
  EXPECT_EQ(Read({{"cache-control", "max-age=60"}, {"date", "Thu, 26 Nov 2026 11:59:20 GMT"}}).ttl,
            Duration(20s));
  EXPECT_EQ(Read({{"cache-control", "max-age=60"}, {"date", "Thu, 26 Nov 2026 13:00:00 GMT"}}).ttl,
            Duration(60s));
}

TEST(UpstreamFreshnessTest, ExpiresCountsWhereMaxAgeIsNotSaid) {
  EXPECT_EQ(Read({{"date", kDate}, {"expires", "Thu, 26 Nov 2026 12:05:00 GMT"}}).ttl,
            Duration(5min));
  EXPECT_EQ(Read({{"expires", "Thu, 26 Nov 2026 12:05:00 GMT"}}).ttl, Duration(5min));
  EXPECT_EQ(
      Read({{"expires", "Thu, 26 Nov 2026 12:05:00 GMT"}, {"cache-control", "max-age=1"}}).ttl,
      Duration(1s));
  for (const char* past : {"0", "-1", "", "soon", "Thu, 26 Nov 2026 11:00:00 GMT"}) {
    EXPECT_EQ(Read({{"expires", past}}).ttl, Duration(0)) << past;
  }
  EXPECT_EQ(Read({}).ttl, std::nullopt);
  EXPECT_GT(Read({{"expires", "26 Nov 405220990"}}).ttl, Duration(24h * 365 * 7000));
}

TEST(UpstreamFreshnessTest, WhatMustNotBeKeptIsForbidden) {
  EXPECT_TRUE(Control("no-store").forbidden);
  EXPECT_TRUE(Control("max-age=60, No-Cache").forbidden);
  EXPECT_TRUE(Control("no-cache=\"set-cookie, x\", max-age=60").forbidden);
  EXPECT_TRUE(Control("private, max-age=60").forbidden);
  EXPECT_FALSE(Read({{"cache-control", "private, max-age=60"}}, /*is_private=*/true).forbidden);
  EXPECT_FALSE(Control("x=\"no-store\", max-age=60").forbidden) << "it is the value of x";
  EXPECT_TRUE(Read({{"cache-control", "max-age=60"}, {"cache-control", "no-store"}}).forbidden);
}

TEST(UpstreamFreshnessTest, SharedLifetimeIsForWhatIsShared) {
  EXPECT_EQ(Control("max-age=60, s-maxage=600").ttl, Duration(600s));
  EXPECT_EQ(Read({{"cache-control", "max-age=60, s-maxage=600"}}, /*is_private=*/true).ttl,
            Duration(60s));
}

TEST(UpstreamFreshnessTest, MalformedAndContradictingLifetimesAreTheStricter) {
  for (const char* field : {"max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age=60s",
                            "max-age=60, max-age=x", "max-age=0x10"}) {
    EXPECT_EQ(Control(field).ttl, Duration(0)) << field;
  }
  EXPECT_EQ(Control("max-age=60, max-age=5").ttl, Duration(5s));
  EXPECT_EQ(Control("max-age=99999999999999999999").ttl,
            Duration(std::chrono::seconds(std::int64_t{1} << 31)));
}

TEST(UpstreamFreshnessTest, StaleWindowsAreTakenAndMustRevalidateClosesThem) {
  UpstreamFreshness freshness =
      Control("max-age=1, stale-while-revalidate=10, stale-if-error=3600");
  EXPECT_EQ(freshness.stale_while_revalidate, Duration(10s));
  EXPECT_EQ(freshness.stale_if_error, Duration(1h));
  freshness = Control("max-age=1, stale-if-error=3600, must-revalidate");
  EXPECT_EQ(freshness.stale_while_revalidate, Duration(0));
  EXPECT_EQ(freshness.stale_if_error, Duration(0));
  EXPECT_EQ(Control("max-age=1").stale_if_error, std::nullopt);
}

}  // namespace
}  // namespace larder::client
