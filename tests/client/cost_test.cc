#include "cost.h"

#include <gtest/gtest.h>

#include <limits>

namespace larder::client {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

TEST(CostTest, TokensTimesPriceRoundsToMicroUsd) {
  const ModelPrice price{.input = 2.5, .output = 10};
  EXPECT_EQ(CostMicrousd({.input_tokens = 1000, .output_tokens = 170}, price), 4200u);
  EXPECT_EQ(CostMicrousd({.input_tokens = 1}, price), 3u);  // 2.5
  EXPECT_EQ(CostMicrousd({}, price), 0u);
  EXPECT_EQ(CostMicrousd({.input_tokens = 1'000'000}, price), 2'500'000u);
}

TEST(CostTest, TheProvidersPromptCacheHasPricesOfItsOwn) {
  const ModelPrice price{.input = 3, .output = 15, .cached_input = 0.3, .cache_write = 3.75};
  // 1000 plain, 10,000 read, 2,000 written, 100 of output.
  EXPECT_EQ(CostMicrousd({.input_tokens = 13'000,
                          .cached_input_tokens = 10'000,
                          .cache_write_tokens = 2'000,
                          .output_tokens = 100},
                         price),
            3'000u + 3'000u + 7'500u + 1'500u);
}

TEST(CostTest, AbsurdUsageStaysWithinBounds) {
  const ModelPrice price{.input = 15, .output = 75, .cached_input = 1, .cache_write = 1};
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(CostMicrousd({.input_tokens = kMost, .output_tokens = kMost}, price),
            1'000'000'000'000'000u);
  EXPECT_EQ(CostMicrousd({.input_tokens = 5}, {.input = -1}), 0u);
  EXPECT_EQ(
      CostMicrousd({.input_tokens = 5, .cached_input_tokens = 9, .cache_write_tokens = 9}, price),
      5u)
      << "more cached than there was";
}

TEST(CostTest, ConfiguredPricesComeBeforeBuiltInOnes) {
  const std::map<std::string, Price> prices = {{"m", {1, 1}}, {"m-2024", {2, 2}}};
  EXPECT_EQ(FindPrice(prices, {"", "m-2024", "m"})->input, 2);
  EXPECT_EQ(FindPrice(prices, {"", "m-2025", "m"})->input, 1);
  EXPECT_FALSE(FindPrice(prices, {"", "no such", "none such"}));
  EXPECT_EQ(FindPrice({{"gpt-4o", {1, 1}}}, {"", "gpt-4o", ""})->input, 1);
}

TEST(CostTest, AConfiguredPriceKeepsTheDiscountOfTheTable) {
  const auto price = FindPrice({{"gpt-4o", {1, 4}}}, {"", "gpt-4o", ""});
  EXPECT_EQ(price->cached_input, 0.5) << "1.25 of 2.5";
  EXPECT_EQ(FindPrice({{"m", {2, 2}}}, {"", "m", ""})->cached_input, 2);
}

TEST(CostTest, WithoutAPriceTimeIsMoney) {
  EXPECT_EQ(EstimateMicrousd(2s), 1'200u);
  EXPECT_EQ(EstimateMicrousd(500ms), 300u);
  EXPECT_EQ(EstimateMicrousd(0ms), 1u);
  EXPECT_EQ(EstimateMicrousd(-5s), 1u);
}

}  // namespace
}  // namespace larder::client
