#include "retry_after.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// 2026-01-01T00:00:00Z
constexpr TimePoint kNow{std::chrono::seconds(1'767'225'600)};

std::optional<Duration> After(const char* value) {
  return RetryAfter({{"retry-after", value}}, kNow);
}
std::optional<Duration> AfterMs(const char* value) {
  return RetryAfter({{"Retry-After-Ms", value}}, kNow);
}

TEST(RetryAfterTest, SecondsMayHaveAFraction) {
  EXPECT_EQ(After("2"), 2s);
  EXPECT_EQ(After(" 0.25 "), 250ms);
  EXPECT_EQ(After("0"), 0ms);
  EXPECT_EQ(After("120"), 120s);
}

TEST(RetryAfterTest, MillisecondsComeFirst) {
  EXPECT_EQ(AfterMs("1500"), 1500ms);
  EXPECT_EQ(AfterMs("12.9"), 12ms);
  EXPECT_EQ(RetryAfter({{"retry-after", "9"}, {"retry-after-ms", "20"}}, kNow), 20ms);
  EXPECT_EQ(RetryAfter({{"retry-after", "9"}, {"retry-after-ms", "soon"}}, kNow), 9s);
  EXPECT_EQ(RetryAfter({{"retry-after", "9"}, {"retry-after-ms", "-1"}}, kNow), 9s);
}

TEST(RetryAfterTest, DateCountsFromNowInEachOfItsThreeForms) {
  EXPECT_EQ(After("Thu, 01 Jan 2026 00:00:07 GMT"), 7s);
  EXPECT_EQ(After("Thursday, 01-Jan-26 00:01:00 GMT"), 60s);
  EXPECT_EQ(After("Thu Jan  1 00:00:30 2026"), 30s);
}

TEST(RetryAfterTest, NonsenseIsAsIfItWereNotSaid) {
  for (const char* value : {"", "-1", "nan", "inf", "-inf", "1e999", "soon", "3 apples", "0x10",
                            "Wed, 31 Dec 2025 23:59:59 GMT", "Thu, 99 Foo 2026 00:00:00 GMT"}) {
    EXPECT_EQ(After(value), std::nullopt) << value;
  }
  EXPECT_EQ(RetryAfter({}, kNow), std::nullopt);
}

TEST(RetryAfterTest, NoNumberOverflows) {
  constexpr Duration kYear = std::chrono::hours(24 * 365);
  EXPECT_EQ(After("1e300"), kYear);
  EXPECT_EQ(AfterMs("99999999999999999999"), kYear);
  EXPECT_EQ(After("Fri, 31 Dec 9999 23:59:59 GMT"), kYear);
  EXPECT_EQ(After("26 Nov 405220990"), kYear);
}

}  // namespace
}  // namespace larder::client
