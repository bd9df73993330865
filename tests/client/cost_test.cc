#include "cost.h"

#include <gtest/gtest.h>

#include <limits>

namespace larder::client {
namespace {

TEST(CostTest, TokensTimesPriceRoundsToMicroUsd) {
  const Price price{.input_per_million = 2.5, .output_per_million = 10};
  EXPECT_EQ(CostMicrousd({.input_tokens = 1000, .output_tokens = 170}, price), 4200u);
  EXPECT_EQ(CostMicrousd({.input_tokens = 1}, price), 3u);  // 2.5
  EXPECT_EQ(CostMicrousd({}, price), 0u);
  EXPECT_EQ(CostMicrousd({.input_tokens = 1'000'000}, price), 2'500'000u);
}

TEST(CostTest, AbsurdUsageStaysWithinBounds) {
  const Price price{.input_per_million = 15, .output_per_million = 75};
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(CostMicrousd({.input_tokens = kMost, .output_tokens = kMost}, price),
            1'000'000'000'000'000u);
  EXPECT_EQ(CostMicrousd({.input_tokens = 5}, {.input_per_million = -1}), 0u);
}

TEST(CostTest, TheAnswersModelComesBeforeTheRequests) {
  const std::map<std::string, Price> prices = {{"m", {1, 1}}, {"m-2024", {2, 2}}};
  EXPECT_EQ(FindPrice(prices, "m-2024", "m")->input_per_million, 2);
  EXPECT_EQ(FindPrice(prices, "m-2025", "m")->input_per_million, 1);
  EXPECT_EQ(FindPrice(prices, "other", "another"), nullptr);
}

}  // namespace
}  // namespace larder::client
