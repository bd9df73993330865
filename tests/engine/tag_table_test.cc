#include "tag_table.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace larder {
namespace {

std::vector<std::uint64_t> One(std::uint64_t tag) { return {tag}; }

TEST(TagTableTest, NumbersOnlyGrow) {
  TagTable table(100);
  table.Raise(7, 20);
  table.Raise(7, 10);
  EXPECT_FALSE(table.Holds(20, One(7)));
  EXPECT_TRUE(table.Holds(21, One(7)));
  table.RaiseFloor(30);
  table.RaiseFloor(25);
  EXPECT_EQ(table.floor(), 30U);
}

TEST(TagTableTest, WhatTheFloorCoversTakesNoRoom) {
  TagTable table(8);
  for (std::uint64_t tag = 1; tag <= 8; ++tag) table.Raise(tag, tag);
  table.RaiseFloor(6);
  table.Raise(100, 5);
  EXPECT_EQ(table.size(), 8U) << "below the floor: nothing to remember";
  table.Raise(100, 9);
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.dropped(), 0U);
  EXPECT_EQ(table.floor(), 6U);
  table.RaiseFloor(8);
  table.DropCovered();
  EXPECT_EQ(table.size(), 1U);
  EXPECT_FALSE(table.Holds(9, One(100)));
}

TEST(TagTableTest, AnyTagIsAsGoodAsAnother) {
  TagTable table(10);
  for (const std::uint64_t tag : {std::uint64_t{0}, std::uint64_t{1}, UINT64_MAX}) {
    EXPECT_TRUE(table.Holds(4, One(tag)));
    table.Raise(tag, 5);
    EXPECT_FALSE(table.Holds(5, One(tag)));
    EXPECT_TRUE(table.Holds(6, One(tag)));
  }
}

TEST(TagTableTest, TheSmallestTableWorks) {
  TagTable table(1);
  table.Raise(1, 1);
  table.Raise(2, 2);
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.floor(), 1U);
  EXPECT_FALSE(table.Holds(1, One(1)));
  EXPECT_FALSE(table.Holds(2, One(2)));
}

TEST(TagTableTest, VisitsWhatItHas) {
  TagTable table(5000);
  std::map<std::uint64_t, std::uint64_t> expected;
  std::mt19937_64 random(1);
  for (std::uint64_t number = 1; number <= 4000; ++number) {
    const std::uint64_t tag = random();
    table.Raise(tag, number);
    expected[tag] = number;
  }
  std::map<std::uint64_t, std::uint64_t> visited;
  table.Visit([&](std::uint64_t tag, std::uint64_t number) { visited[tag] = number; });
  EXPECT_EQ(visited, expected);
}

TEST(TagTableTest, MemoryStaysWithinItsBoundUnderAnyNumberOfTags) {
  constexpr std::size_t kMaxTags = 32'768;
  TagTable table(kMaxTags);
  std::mt19937_64 random(1);
  std::uint64_t number = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const std::uint64_t tag = random();
    table.Raise(tag, ++number);
    ASSERT_FALSE(table.Holds(number, std::vector{tag}));
    if (i % 1000 == 0) {
      ASSERT_LE(table.size(), kMaxTags);
      ASSERT_LE(table.memory_bytes(), kMaxTags * 20);
    }
  }
  EXPECT_GT(table.size(), kMaxTags / 2);
  EXPECT_GT(table.floor(), number - 2 * kMaxTags) << "the floor follows at a distance";
  EXPECT_LT(table.floor(), number - kMaxTags / 2);
}

}  // namespace
}  // namespace larder
