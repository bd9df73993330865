#include "name_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <string>

namespace larder::client {
namespace {

TEST(NameOrderTest, PutsSurrogatesBeforeTheEndOfThePlane) {
  EXPECT_TRUE(Utf16Less("😀", "\xef\xac\xb3"));  // U+1F600 before U+FB33
  EXPECT_FALSE(Utf16Less("\xef\xac\xb3", "😀"));
  EXPECT_TRUE(Utf16Less("\xed\x9f\xbf", "😀"));  // U+D7FF before U+1F600
  EXPECT_TRUE(Utf16Less("a", "aa"));
  EXPECT_FALSE(Utf16Less("aa", "a"));
  EXPECT_FALSE(Utf16Less("a", "a"));
  EXPECT_TRUE(Utf16Less("", "a"));
  EXPECT_TRUE(Utf16Less("Z", "a"));
}

TEST(NameOrderTest, PrefixesAreOrderedAsTheirTextsAre) {
  constexpr std::string_view kPieces[] = {"",
                                          "a",
                                          "b",
                                          "\x01",
                                          "é",
                                          "\xed\x9f\xbf",
                                          "\xee\x80\x80",
                                          "\xef\xac\xb3",
                                          "😀",
                                          "\xf4\x8f\xbf\xbf"};
  std::mt19937_64 random(3629);
  for (int i = 0; i < 50'000; ++i) {
    std::string a, b;
    for (int piece = 0; piece < 4; ++piece) {
      a += kPieces[random() % std::size(kPieces)];
      b += kPieces[random() % std::size(kPieces)];
    }
    if (Utf16Prefix(a) == Utf16Prefix(b)) continue;
    ASSERT_EQ(Utf16Prefix(a) < Utf16Prefix(b), Utf16Less(a, b)) << a << " and " << b;
  }
}

// What the names are sorted to, and whether they were in order.
std::pair<std::vector<std::string>, bool> Sorted(const std::vector<std::string>& names) {
  std::vector<NamePlace> places;
  for (std::uint32_t i = 0; i < names.size(); ++i) places.push_back({Utf16Prefix(names[i]), i});
  std::vector<NamePlace> spare;
  const bool in_order =
      SortNames(places, spare, [&](std::uint32_t i) { return std::string_view(names[i]); });
  std::vector<std::string> sorted;
  for (const NamePlace& place : places) sorted.push_back(names[place.index]);
  return {sorted, in_order};
}

// Few are compared, many are sorted by their bytes: both must give one order.
TEST(NameOrderTest, AnyNumberOfNamesIsSortedAlike) {
  std::mt19937_64 random(8785);
  for (const std::size_t count : {0U, 1U, 2U, 199U, 200U, 201U, 3000U}) {
    for (const char* common : {"", "a long start of all of them ", "😀"}) {
      std::vector<std::string> names;
      while (names.size() < count) {
        std::string name = common;
        for (std::size_t i = random() % 12; i > 0; --i) {
          name += random() % 9 == 0 ? "\xee\x80\x80"
                                    : std::string(1, static_cast<char>(random() % 128));
        }
        names.push_back(std::move(name));
      }
      std::vector<std::string> expected = names;
      std::stable_sort(expected.begin(), expected.end(), Utf16Less);
      EXPECT_EQ(Sorted(names).first, expected) << count << common;
      EXPECT_EQ(Sorted(names).second, std::is_sorted(names.begin(), names.end(), Utf16Less));
      EXPECT_TRUE(Sorted(expected).second);
    }
  }
}

}  // namespace
}  // namespace larder::client
