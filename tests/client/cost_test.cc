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

TEST(CostTest, WhatIsKeptForAnHourCostsTwiceTheInput) {
  const ModelPrice price{.input = 3, .output = 15, .cached_input = 0.3, .cache_write = 3.75};
  Usage usage{.input_tokens = 3'000, .cache_write_tokens = 2'000};
  usage.cache_write_1h_tokens = 1'500;
  EXPECT_EQ(CostMicrousd(usage, price), 3'000u + 500u * 3.75 + 1'500u * 6);
  usage.cache_write_1h_tokens = 5'000;
  EXPECT_EQ(CostMicrousd(usage, price), 3'000u + 12'000u) << "more than was written";
}

// The whole call costs the tier's prices, not only what is over it: so say both providers that have
// tiers by the length of the input, of all tokens of such a request.
TEST(CostTest, ACallThatIsOverATierCostsItsPricesAsAWhole) {
  const auto gpt = BuiltInPrice("https://api.openai.com", "gpt-5.4");
  ASSERT_TRUE(gpt.has_value());
  Usage usage{.input_tokens = 272'000, .cached_input_tokens = 200'000, .output_tokens = 1'000};
  EXPECT_EQ(CostMicrousd(usage, *gpt), 180'000u + 50'000u + 15'000u);
  usage.input_tokens += 1;
  EXPECT_EQ(CostMicrousd(usage, *gpt), 360'005u + 100'000u + 22'500u);

  const auto claude = BuiltInPrice("https://api.anthropic.com", "claude-sonnet-4-5-20250929");
  ASSERT_TRUE(claude.has_value());
  usage = {.input_tokens = 200'000,
           .cached_input_tokens = 100'000,
           .cache_write_tokens = 50'000,
           .output_tokens = 1'000};
  EXPECT_EQ(CostMicrousd(usage, *claude), 150'000u + 30'000u + 187'500u + 15'000u);
  usage.input_tokens += 1;
  EXPECT_EQ(CostMicrousd(usage, *claude), 300'006u + 60'000u + 375'000u + 22'500u);
}

TEST(CostTest, OfSeveralTiersTheHighestThatACallIsOverCounts) {
  const ModelPrice price{
      .input = 1,
      .tiers = {{.input = 4, .over_input_tokens = 400}, {.input = 2, .over_input_tokens = 200}}};
  EXPECT_EQ(ExactMicrousd({.input_tokens = 200}, price), 200);
  EXPECT_EQ(ExactMicrousd({.input_tokens = 400}, price), 800);
  EXPECT_EQ(ExactMicrousd({.input_tokens = 401}, price), 1'604);
}

TEST(CostTest, WhatCostsAnythingCostsAtLeastOne) {
  const ModelPrice embedding{.input = 0.02};
  EXPECT_EQ(CostMicrousd({.input_tokens = 8}, embedding), 1u);
  EXPECT_DOUBLE_EQ(ExactMicrousd({.input_tokens = 8}, embedding), 0.16);
  EXPECT_EQ(CostMicrousd({.input_tokens = 8}, {}), 0u) << "free";
}

TEST(CostTest, PartsOfAMicroUsdAddUp) {
  CostCarry carry;
  std::uint64_t sum = 0;
  for (int i = 0; i < 1'000; ++i) sum += carry.Whole(0.16);
  EXPECT_EQ(sum, 160u);
  EXPECT_EQ(carry.Whole(45), 45u);
  EXPECT_EQ(carry.Whole(2.5) + carry.Whole(2.5), 5u);
  EXPECT_EQ(carry.Whole(0), 0u);
  EXPECT_EQ(carry.Whole(1e15), 1'000'000'000'000'000u);
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

TEST(CostTest, AConfiguredPriceMaySayWhatThePromptCacheCosts) {
  const Price whole{.input_per_million = 3,
                    .output_per_million = 15,
                    .cached_input_per_million = 0.2,
                    .cache_write_per_million = 6};
  const Usage usage{.input_tokens = 13'000,
                    .cached_input_tokens = 10'000,
                    .cache_write_tokens = 2'000,
                    .output_tokens = 100};
  // 1000 plain, 10,000 read, 2,000 written, 100 of output; a model that the table knows or not.
  for (const char* model : {"claude-sonnet-4-5", "gpt-4o", "m"}) {
    EXPECT_EQ(CostMicrousd(usage, *FindPrice({{model, whole}}, {"", model, ""})),
              3'000u + 2'000u + 12'000u + 1'500u)
        << model;
  }
}

TEST(CostTest, WhatAConfiguredPriceLeavesOutIsAsTheTableHasIt) {
  const Price read_only{
      .input_per_million = 6, .output_per_million = 1, .cached_input_per_million = 0};
  const auto known = FindPrice({{"claude-sonnet-4-5", read_only}}, {"", "claude-sonnet-4-5", ""});
  EXPECT_EQ(known->cached_input, 0) << "free is not the same as not said";
  EXPECT_EQ(known->cache_write, 7.5) << "3.75 of 3";
  const auto unknown = FindPrice({{"m", read_only}}, {"", "m", ""});
  EXPECT_EQ(unknown->cached_input, 0);
  EXPECT_EQ(unknown->cache_write, 6);
  const Price write_only{
      .input_per_million = 6, .output_per_million = 1, .cache_write_per_million = 9};
  const auto written =
      FindPrice({{"claude-sonnet-4-5", write_only}}, {"", "claude-sonnet-4-5", ""});
  EXPECT_NEAR(written->cached_input, 0.6, 1e-9) << "0.3 of 3";
  EXPECT_EQ(written->cache_write, 9);
}

TEST(CostTest, TiersOfAConfiguredPriceHaveItsRatiosAndThoseOfTheTableDoNotCount) {
  Price configured{
      .input_per_million = 2, .output_per_million = 8, .cached_input_per_million = 0.5};
  const Usage usage{.input_tokens = 300'001, .cached_input_tokens = 1};
  EXPECT_EQ(ExactMicrousd(usage, *FindPrice({{"gpt-5.4", configured}}, {"", "gpt-5.4", ""})),
            600'000.5);
  configured.tiers = {{.over_input_tokens = 300'000, .input_per_million = 4}};
  EXPECT_EQ(ExactMicrousd(usage, *FindPrice({{"gpt-5.4", configured}}, {"", "gpt-5.4", ""})),
            1'200'001);
  configured.tiers.front().cached_input_per_million = 3;
  EXPECT_EQ(ExactMicrousd(usage, *FindPrice({{"m", configured}}, {"", "m", ""})), 1'200'003);
}

// A proxy, a gateway in front of several models, a fallback of the provider's own.
TEST(CostTest, WhatAnotherModelAnsweredDoesNotCostWhatTheOneAskedForDoes) {
  EXPECT_FALSE(FindPrice({}, {"", "llama-of-tomorrow", "gpt-4o"}));
  EXPECT_EQ(FindPrice({}, {"", "gpt-4o-mini", "gpt-4o"})->input, 0.15);
  EXPECT_EQ(FindPrice({}, {"", "", "gpt-4o"})->input, 2.5) << "it may be the one asked for";
  EXPECT_EQ(FindPrice({}, {"", "GPT-4o-2099-01-01", "gpt-4o"})->input, 2.5) << "a version of it";
  EXPECT_EQ(FindPrice({}, {"", "gpt", "gpt-4o"})->input, 2.5) << "the name of all versions";
  EXPECT_EQ(FindPrice({{"best", {1, 1}}}, {"", "llama-of-tomorrow", "best"})->input, 1)
      << "whoever configures a price for a name means what answers to it";
}

TEST(CostTest, WithoutAPriceTimeIsMoney) {
  EXPECT_EQ(EstimateMicrousd(2s), 1'200u);
  EXPECT_EQ(EstimateMicrousd(500ms), 300u);
  EXPECT_EQ(EstimateMicrousd(0ms), 1u);
  EXPECT_EQ(EstimateMicrousd(-5s), 1u);
}

}  // namespace
}  // namespace larder::client
