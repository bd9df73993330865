#include "price_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace larder::client {
namespace {

using ::testing::HasSubstr;

TEST(PriceTableTest, KnowsTheModelsOfBothDialects) {
  const auto gpt = BuiltInPrice("https://api.openai.com", "gpt-4o-2024-08-06");
  ASSERT_TRUE(gpt.has_value());
  EXPECT_EQ(gpt->input, 2.5);
  EXPECT_EQ(gpt->output, 10);
  EXPECT_EQ(gpt->cached_input, 1.25);
  const auto claude = BuiltInPrice("https://api.anthropic.com", "claude-sonnet-4-5-20250929");
  ASSERT_TRUE(claude.has_value());
  EXPECT_EQ(claude->input, 3);
  EXPECT_EQ(claude->output, 15);
  EXPECT_EQ(claude->cached_input, 0.3);
  EXPECT_EQ(claude->cache_write, 3.75);
  const auto embedding = BuiltInPrice("https://api.openai.com", "text-embedding-3-small");
  ASSERT_TRUE(embedding.has_value());
  EXPECT_EQ(embedding->input, 0.02);
  EXPECT_EQ(embedding->output, 0);
}

TEST(PriceTableTest, AnUnknownHostGetsTheMakersPrice) {
  EXPECT_EQ(BuiltInPrice("http://127.0.0.1:9", "gpt-4o")->input, 2.5);
  EXPECT_EQ(BuiltInPrice("", "GPT-4o")->input, 2.5) << "in any case of letters";
  EXPECT_EQ(BuiltInPrice("", "claude-sonnet-4-5-20250929")->input, 3) << "not who resells it";
}

// Where it is asked for decides before who made it; of several names the one that says most.
TEST(PriceTableTest, AHostThatSellsAModelHasItsOwnPrice) {
  const char* const aws = "https://bedrock-runtime.eu-central-1.amazonaws.com/model";
  EXPECT_EQ(BuiltInPrice(aws, "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")->input, 3.3);
  EXPECT_EQ(BuiltInPrice(aws, "global.anthropic.claude-sonnet-4-5-20250929-v1:0")->input, 3);
  EXPECT_EQ(BuiltInPrice("https://api.groq.com/openai", "llama-3.3-70b-versatile")->output, 0.79);
  EXPECT_EQ(
      BuiltInPrice("https://api.together.xyz", "meta-llama/Llama-3.3-70B-Instruct-Turbo")->input,
      0.88);
  EXPECT_EQ(BuiltInPrice("https://api.cerebras.ai", "llama-3.3-70b")->input, 0.85);
}

TEST(PriceTableTest, AHostThatDoesNotKnowAModelHasItsMakersPrice) {
  EXPECT_EQ(BuiltInPrice("https://api.groq.com", "gpt-4o")->input, 2.5);
  EXPECT_EQ(BuiltInPrice("https://api.anthropic.com", "text-embedding-3-small")->input, 0.02);
}

struct TieredModel {
  const char* base_url;
  const char* model;
  std::uint64_t over;
  ModelPrice below;
  ModelPrice above;
};

// Written down here from the source's data; what it has no price for costs what other input does.
TEST(PriceTableTest, KnowsThePricesOfLongInput) {
  const char* const openai = "https://api.openai.com";
  const char* const anthropic = "https://api.anthropic.com";
  const char* const google = "https://generativelanguage.googleapis.com";
  const char* const openrouter = "https://openrouter.ai/api";
  const TieredModel models[] = {
      {openai, "gpt-5.4", 272'000, {2.5, 15, 0.25, 2.5}, {5, 22.5, 0.5, 5}},
      {openai, "gpt-5.4-pro", 272'000, {30, 180, 30, 30}, {60, 270, 60, 60}},
      {openai, "gpt-5.6-luna", 272'000, {1, 6, 0.1, 1.25}, {2, 9, 0.2, 2.5}},
      {openai, "gpt-5.6-sol", 272'000, {5, 30, 0.5, 6.25}, {10, 45, 1, 12.5}},
      {openai, "gpt-5.6-terra", 272'000, {2.5, 15, 0.25, 3.125}, {5, 22.5, 0.5, 6.25}},
      {anthropic, "claude-sonnet-4-5", 200'000, {3, 15, 0.3, 3.75}, {6, 22.5, 0.6, 7.5}},
      {google, "claude-opus-4-6", 200'000, {5, 25, 0.5, 6.25}, {10, 37.5, 1, 12.5}},
      {google,
       "gemini-1.5-flash",
       128'000,
       {0.075, 0.3, 0.01875, 0.075},
       {0.15, 0.6, 0.0375, 0.15}},
      {google, "gemini-1.5-pro", 128'000, {1.25, 5, 1.25, 1.25}, {2.5, 10, 2.5, 2.5}},
      {google, "gemini-2.5-pro", 200'000, {1.25, 10, 0.125, 1.25}, {2.5, 15, 0.25, 2.5}},
      {google, "gemini-3-pro-preview", 200'000, {2, 12, 0.2, 2}, {4, 18, 0.4, 4}},
      {google, "gemini-3.1-pro-preview", 200'000, {2, 12, 0.2, 2}, {4, 18, 0.4, 4}},
      {google,
       "gemini-flash-1.5",
       128'000,
       {0.075, 0.3, 0.01875, 0.075},
       {0.15, 0.6, 0.0375, 0.15}},
      {google,
       "gemini-flash-1.5-8b",
       128'000,
       {0.0375, 0.15, 0.01, 0.0375},
       {0.075, 0.3, 0.02, 0.075}},
      {google, "gemini-pro-1.5", 128'000, {1.25, 5, 0.3125, 1.25}, {2.5, 10, 0.625, 2.5}},
      {"https://api.minimax.io",
       "minimax-m3",
       512'000,
       {0.3, 1.2, 0.06, 0.3},
       {0.6, 2.4, 0.12, 0.6}},
      {openrouter, "anthropic/claude-sonnet-4.5", 200'000, {3, 15, 0.3, 3.75}, {6, 22.5, 0.6, 7.5}},
      {openrouter, "x-ai/grok-4-fast", 128'000, {0.2, 0.5, 0.05, 0.2}, {0.4, 1, 0.05, 0.4}},
  };
  const auto columns = [](const ModelPrice& price) {
    return std::array{price.input, price.output, price.cached_input, price.cache_write};
  };
  for (const TieredModel& one : models) {
    const auto price = BuiltInPrice(one.base_url, one.model);
    ASSERT_TRUE(price.has_value()) << one.model;
    EXPECT_EQ(price->tiers.size(), 1U) << one.model;
    EXPECT_EQ(columns(price->Of(one.over)), columns(one.below)) << one.model;
    EXPECT_EQ(columns(price->Of(one.over + 1)), columns(one.above)) << one.model;
  }
  // Long input cost more until March 2026.
  EXPECT_TRUE(BuiltInPrice(anthropic, "claude-opus-4-6")->tiers.empty());
}

// What DeepSeek takes less for is the shorter part of the day.
TEST(PriceTableTest, OfPricesByTheHourThoseThatHoldLongerCount) {
  const auto chat = BuiltInPrice("https://api.deepseek.com", "deepseek-chat");
  EXPECT_EQ(chat->input, 0.27);
  EXPECT_EQ(chat->output, 1.1);
  EXPECT_EQ(BuiltInPrice("https://api.deepseek.com", "deepseek-reasoner")->output, 2.19);
}

TEST(PriceTableTest, KnowsWhoPassesCallsOn) {
  EXPECT_EQ(BuiltInPrice("https://openrouter.ai/api", "qwen/qwen-2.5-72b-instruct")->input, 0.12);
  EXPECT_EQ(BuiltInPrice("https://router.huggingface.co/groq/v1", "openai/gpt-oss-120b")->input,
            0.15);
  EXPECT_EQ(BuiltInPrice("https://openrouter.ai/api", "x-ai/grok-4.3-20991231")->input,
            BuiltInPrice("https://openrouter.ai/api", "x-ai/grok-4.3")->input)
      << "a dated version";
  EXPECT_FALSE(BuiltInPrice("", "x-ai/grok-4.3-preview"));
}

// OpenAI charges nothing for writing to its prompt cache: it costs what other input does.
TEST(PriceTableTest, WhatHasNoPriceForThePromptCacheCostsWhatOtherInputDoes) {
  const auto gpt = BuiltInPrice("https://api.openai.com", "gpt-4o");
  EXPECT_EQ(gpt->cache_write, gpt->input);
  const auto groq = BuiltInPrice("https://api.groq.com", "llama-3.3-70b-versatile");
  EXPECT_EQ(groq->cached_input, groq->input);
}

TEST(PriceTableTest, WhatIsNotKnownHasNoPrice) {
  EXPECT_FALSE(BuiltInPrice("https://api.openai.com", "a model of tomorrow"));
  EXPECT_FALSE(BuiltInPrice("https://api.openai.com", ""));
}

TEST(PriceTableTest, SaysWhenItsPricesWere) {
  EXPECT_THAT(std::string(PriceTableTitle()), HasSubstr("as of 20"));
}

}  // namespace
}  // namespace larder::client
