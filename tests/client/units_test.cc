#include "larder/client/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "status_matchers.h"

namespace larder::client {
namespace {

using namespace std::chrono_literals;
using testing::HasCode;

TEST(UnitsTest, DurationsHaveUnits) {
  EXPECT_EQ(*ParseDuration("500ms"), 500ms);
  EXPECT_EQ(*ParseDuration("30s"), 30s);
  EXPECT_EQ(*ParseDuration("5m"), 5min);
  EXPECT_EQ(*ParseDuration("24h"), 24h);
  EXPECT_EQ(*ParseDuration("7d"), 168h);
  EXPECT_EQ(*ParseDuration("3600"), 1h);
  EXPECT_EQ(*ParseDuration("0"), 0ms);
  EXPECT_EQ(*ParseDuration("never"), kForever);
}

TEST(UnitsTest, OtherDurationsAreRefused) {
  for (const char* text : {"", "s", "-1s", "+1s", " 1s", "1 s", "1s ", "1.5h", "1w", "7D", "0x10",
                           "365001d", "99999999999999999999", "Never"}) {
    EXPECT_THAT(ParseDuration(text), HasCode(StatusCode::kInvalidArgument)) << text;
  }
  EXPECT_TRUE(ParseDuration("365000d").ok());
}

TEST(UnitsTest, SizesHaveUnits) {
  EXPECT_EQ(*ParseSize("64MiB"), std::uint64_t{64} << 20);
  EXPECT_EQ(*ParseSize("10GB"), 10'000'000'000u);
  EXPECT_EQ(*ParseSize("1KiB"), 1024u);
  EXPECT_EQ(*ParseSize("1KB"), 1000u);
  EXPECT_EQ(*ParseSize("2TiB"), std::uint64_t{2} << 40);
  EXPECT_EQ(*ParseSize("7B"), 7u);
  EXPECT_EQ(*ParseSize("4096"), 4096u);
  EXPECT_EQ(*ParseSize("18446744073709551615"), UINT64_MAX);
}

TEST(UnitsTest, OtherSizesAreRefused) {
  for (const char* text : {"", "MiB", "-1", "1.5GB", "1 GB", "1gb", "1PB", "18446744073709551616",
                           "18014398509481985KiB"}) {
    EXPECT_THAT(ParseSize(text), HasCode(StatusCode::kInvalidArgument)) << text;
  }
}

TEST(UnitsTest, ErrorsSayWhatWasFoundAndWhatIsAllowed) {
  EXPECT_EQ(ParseDuration("5 min").status().message(),
            "\"5 min\" is not a duration: a whole number with ms, s, m, h or d (without: seconds) "
            "up to 365000d, or \"never\"");
  EXPECT_EQ(ParseSize(std::string(100, 'x')).status().message(),
            "a text of 100 bytes is not a size: a whole number with KB, MB, GB, TB, KiB, MiB, GiB "
            "or TiB (without: bytes)");
}

}  // namespace
}  // namespace larder::client
