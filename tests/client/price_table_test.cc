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

TEST(PriceTableTest, WhatIsNotKnownHasNoPrice) {
  EXPECT_FALSE(BuiltInPrice("https://api.openai.com", "a model of tomorrow"));
  EXPECT_FALSE(BuiltInPrice("https://api.openai.com", ""));
}

TEST(PriceTableTest, SaysWhenItsPricesWere) {
  EXPECT_THAT(std::string(PriceTableTitle()), HasSubstr("as of 20"));
}

}  // namespace
}  // namespace larder::client
