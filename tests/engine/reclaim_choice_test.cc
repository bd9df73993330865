#include "reclaim_choice.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace larder {
namespace {

constexpr double kWorthIt = 0.5;

StoreFile File(const std::string& name, int level, std::uint64_t bytes, bool merging = false) {
  return {.name = name, .level = level, .bytes = bytes, .merging = merging};
}

// The files of each piece, and the level that they go into.
std::vector<std::string> Choose(const std::vector<StoreFile>& files,
                                const std::vector<double>& shares) {
  std::vector<TableDeath> tables;
  for (std::size_t i = 0; i < files.size(); ++i) {
    tables.push_back({.table = &files[i], .dead_share = shares[i], .worth_it = kWorthIt});
  }
  std::vector<std::string> chosen;
  for (const ReclaimPiece& piece : ChooseReclaims(files, tables)) {
    std::string names;
    for (const StoreFile& file : piece.files) names += file.name + " ";
    chosen.push_back(names + "into " + std::to_string(piece.into_level));
  }
  return chosen;
}

using Chosen = std::vector<std::string>;

TEST(ReclaimChoiceTest, WhatWinsMostComesFirstAndWhatIsNotWorthItNever) {
  EXPECT_EQ(Choose({File("a", 6, 100), File("b", 6, 300), File("c", 5, 200), File("d", 6, 900)},
                   {0.9, 0.5, 0.9, 0.4}),
            (Chosen{"c into 5", "b into 6", "a into 6"}));
  EXPECT_EQ(Choose({}, {}), Chosen{});
}

TEST(ReclaimChoiceTest, TablesOfTheTopGoTogetherIntoTheNextLevelThatHoldsAny) {
  EXPECT_EQ(Choose({File("a", 0, 100), File("b", 0, 100), File("c", 5, 50), File("d", 6, 50)},
                   {0.9, 0.8, 0.9, 0}),
            (Chosen{"a b into 5", "c into 5"}));
  EXPECT_EQ(Choose({File("a", 0, 100)}, {0.9}), (Chosen{"a into 6"}));
}

TEST(ReclaimChoiceTest, TablesWithDeletionsGoDownToWhatTheyHide) {
  const std::vector<StoreFile> files = {File("a", 4, 100), File("b", 5, 100), File("c", 6, 100)};
  std::vector<TableDeath> tables;
  for (const StoreFile& file : files) {
    tables.push_back(
        {.table = &file, .dead_share = 0.9, .worth_it = kWorthIt, .has_deletions = true});
  }
  std::vector<int> into;
  for (const ReclaimPiece& piece : ChooseReclaims(files, tables)) into.push_back(piece.into_level);
  EXPECT_EQ(into, (std::vector<int>{5, 6, 6}));
}

TEST(ReclaimChoiceTest, OneThatIsBeingMergedDoesNotKeepTheOthers) {
  EXPECT_EQ(Choose({File("a", 6, 900, true), File("b", 6, 300)}, {0.9, 0.9}), (Chosen{"b into 6"}));
  EXPECT_EQ(Choose({File("a", 0, 900), File("b", 0, 10, true), File("c", 6, 300)}, {0.9, 0, 0.9}),
            (Chosen{"c into 6"}));
}

}  // namespace
}  // namespace larder
