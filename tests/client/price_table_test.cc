#include "price_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
