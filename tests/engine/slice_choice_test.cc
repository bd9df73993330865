#include "slice_choice.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace larder {
namespace {

StoreFile File(const std::string& name, int level, const std::string& smallest,
               const std::string& largest, std::uint64_t swept = 0) {
  StoreFile file{.name = name, .level = level, .smallest = smallest, .largest = largest};
  file.notes.swept = swept;
  return file;
}

std::string Names(const std::vector<StoreFile>& files) {
  std::string names;
  for (const StoreFile& file : files) names += file.name;
  return names;
}

TEST(SliceChoice, AMergeReadsAllThatOverlapsOnTheWayDown) {
  const std::vector<StoreFile> files = {File("a", 4, "b", "d"), File("b", 4, "e", "f"),
                                        File("c", 5, "a", "b"), File("d", 5, "d", "m"),
                                        File("e", 5, "n", "z"), File("f", 6, "k", "l"),
                                        File("g", 6, "m", "o"), File("h", 6, "p", "z")};
  EXPECT_EQ(Names(WithOverlapping({files[0]}, 5, files)), "acd");
  EXPECT_EQ(Names(WithOverlapping({files[0]}, 6, files)), "acdfg") << "those of c and d, too";
  EXPECT_EQ(Names(WithOverlapping({files[5]}, 6, files)), "f");
  EXPECT_EQ(Names(WithOverlapping({}, 6, files)), "");
}

TEST(SliceChoice, TablesWereSweptWhenTheFirstOfThemInTheLastLevelWas) {
  const std::vector<StoreFile> files = {File("a", 5, "a", "b", 0), File("b", 6, "a", "b", 7),
                                        File("c", 6, "c", "d", 5)};
  EXPECT_EQ(LastSwept(files, 7), 5u);
  EXPECT_EQ(LastSwept({File("a", 5, "a", "b", 9)}, 9), 0u);
  EXPECT_EQ(LastSwept({}, 9), 0u);
}

TEST(SliceChoice, TheHandGoesOnWhereItsLastSweepIsTheLongestAgo) {
  const std::vector<StoreFile> files = {File("a", 6, "a", "b", 30), File("b", 6, "c", "d", 10),
                                        File("c", 6, "e", "f", 20), File("d", 5, "a", "z", 1)};
  EXPECT_EQ(Names(ChooseSlice(files, {.least_rows = 0, .clock = 30})), "b");
}

// Else it would dig in one place until nothing is left there: what it has just swept is what its
// new clock knows as the oldest.
TEST(SliceChoice, WhatWasSweptByAClockThatIsLostWasNeverSwept) {
  const std::vector<StoreFile> files = {File("a", 6, "a", "b", 1000), File("b", 6, "c", "d", 5),
                                        File("c", 6, "e", "f", 900)};
  EXPECT_EQ(Names(ChooseSlice(files, {.least_rows = 0, .clock = 6})), "a");
  EXPECT_EQ(LastSwept(files, 6), 0u);
  EXPECT_EQ(LastSwept(files, 2000), 5u);
}

TEST(SliceChoice, WhatIsRemovedGoesIntoTheNextLevelThatHoldsAny) {
  const std::vector<StoreFile> files = {File("a", 0, "a", "b"), File("b", 5, "c", "d")};
  EXPECT_EQ(LevelUnder(0, files), 5);
  EXPECT_EQ(LevelUnder(5, files), 6);
  EXPECT_EQ(LevelUnder(0, {}), 6);
}

}  // namespace
}  // namespace larder
