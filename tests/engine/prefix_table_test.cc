#include "prefix_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace larder {
namespace {

TEST(PrefixTableTest, ARuleCoversWhatBeginsWithIt) {
  PrefixTable table;
  EXPECT_EQ(table.NumberFor("anything"), 0U);
  table.Raise("user/1/", 5);
  EXPECT_EQ(table.NumberFor("user/1/a"), 5U);
  EXPECT_EQ(table.NumberFor("user/1/"), 5U);
  EXPECT_EQ(table.NumberFor("user/1"), 0U);
  EXPECT_EQ(table.NumberFor("user/10/"), 0U);
  EXPECT_EQ(table.NumberFor(""), 0U);
  EXPECT_EQ(table.RuleFor("user/1/a")->prefix, "user/1/");
}

TEST(PrefixTableTest, AWiderLaterRuleTakesThePlaceOfNarrowerOnes) {
  PrefixTable table;
  table.Raise("ab", 1);
  table.Raise("ac", 2);
  table.Raise("b", 3);
  table.Raise("a", 4);
  EXPECT_EQ(table.size(), 2U);
  EXPECT_EQ(table.NumberFor("ab"), 4U);
  EXPECT_EQ(table.NumberFor("b"), 3U);
}

TEST(PrefixTableTest, ANarrowerEarlierRuleIsNotKept) {
  PrefixTable table;
  table.Raise("a", 4);
  table.Raise("ab", 3);
  EXPECT_EQ(table.size(), 1U);
  table.Raise("ab", 5);
  EXPECT_EQ(table.NumberFor("abc"), 5U);
  EXPECT_EQ(table.NumberFor("ac"), 4U);
}

TEST(PrefixTableTest, TheOldestEighthGoes) {
  PrefixTable table;
  for (std::uint64_t i = 1; i <= 16; ++i) table.Raise("prefix " + std::to_string(i) + "/", i);
  EXPECT_EQ(table.OldestEighth(), 2U);
  table.DropUpTo(2);
  EXPECT_EQ(table.size(), 14U);
  EXPECT_EQ(table.NumberFor("prefix 2/x"), 0U);
  EXPECT_EQ(table.NumberFor("prefix 3/x"), 3U);
}

TEST(PrefixTableTest, AgreesWithLookingAtEveryRule) {
  std::mt19937 random(20261126);
  const auto text = [&random](std::size_t longest) {
    std::string out;
    for (std::size_t n = random() % longest + 1; n > 0; --n) {
      out.push_back("ab\xff"[random() % 3]);
    }
    return out;
  };
  for (int round = 0; round < 30; ++round) {
    PrefixTable table;
    std::map<std::string, std::uint64_t> rules;
    std::uint64_t dropped = 0;
    for (std::uint64_t number = 1; number < 60; ++number) {
      const std::string prefix = text(5);
      table.Raise(prefix, number);
      rules[prefix] = number;
      if (random() % 20 == 0) table.DropUpTo(dropped = number / 2);
      for (int i = 0; i < 30; ++i) {
        const std::string key = text(7);
        std::uint64_t latest = 0;
        for (const auto& [rule, of] : rules) {
          if (key.starts_with(rule) && of > dropped) latest = std::max(latest, of);
        }
        ASSERT_EQ(table.NumberFor(key), latest) << key;
      }
    }
  }
}

}  // namespace
}  // namespace larder
