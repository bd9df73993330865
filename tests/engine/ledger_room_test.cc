// How many invalidated tags a ledger keeps, and what it does with more.
#include <gtest/gtest.h>

#include <vector>

#include "ledger_fixture.h"

namespace larder {
namespace {

using LedgerRoomTest = testing::LedgerTest;

TEST_F(LedgerRoomTest, TooManyTagsRaiseTheFloorOverTheOldest) {
  options_.max_tags = 64;
  Reopen();
  const std::uint64_t before = ledger_->Next();
  std::vector<std::uint64_t> numbers;
  for (TagHash tag = 0; tag < 64; ++tag) numbers.push_back(Invalidate({tag}));
  EXPECT_EQ(ledger_->tag_count(), 64U);
  EXPECT_EQ(ledger_->floor(), 0U);
  EXPECT_TRUE(Holds(before, {1000}));
  Invalidate({64});
  EXPECT_EQ(ledger_->tag_count(), 57U) << "an eighth of 64 went, one came";
  EXPECT_EQ(ledger_->dropped_tags(), 8U);
  EXPECT_EQ(ledger_->floor(), numbers[7]);
  EXPECT_FALSE(Holds(before, {1000}));
  EXPECT_TRUE(Holds(numbers[7] + 1, {0, 7}));
  EXPECT_FALSE(Holds(numbers[8], {8}));
  Reopen();
  for (TagHash tag = 0; tag < 64; ++tag) EXPECT_FALSE(Holds(numbers[tag], {tag}));
}

TEST_F(LedgerRoomTest, RoomForFewerTagsRaisesTheFloorOverTheOldestAtOnce) {
  options_.max_tags = 64;
  Reopen();
  const std::uint64_t before = ledger_->Next();
  std::vector<std::uint64_t> numbers;
  for (TagHash tag = 0; tag < 64; ++tag) numbers.push_back(Invalidate({tag}));
  const std::size_t memory = ledger_->memory_bytes();
  const std::uint64_t generation = ledger_->Generation();
  ledger_->SetMaxTags(16);
  EXPECT_EQ(ledger_->tag_count(), 16U);
  EXPECT_EQ(ledger_->dropped_tags(), 48U);
  EXPECT_EQ(ledger_->floor(), numbers[47]);
  EXPECT_NE(ledger_->Generation(), generation) << "a reader must not trust its last answer";
  EXPECT_LT(ledger_->memory_bytes(), memory - 48 * 16);
  EXPECT_FALSE(Holds(before, {1000}));
  EXPECT_TRUE(Holds(numbers[47] + 1, {47}));
  EXPECT_FALSE(Holds(numbers[48], {48}));
  for (TagHash tag = 100; tag < 200; ++tag) Invalidate({tag});
  EXPECT_LE(ledger_->tag_count(), 16U);
}

TEST_F(LedgerRoomTest, RoomForMoreTagsIsUsedAtOnce) {
  options_.max_tags = 16;
  Reopen();
  for (TagHash tag = 0; tag < 16; ++tag) Invalidate({tag});
  ledger_->SetMaxTags(64);
  std::vector<std::uint64_t> numbers;
  for (TagHash tag = 16; tag < 64; ++tag) numbers.push_back(Invalidate({tag}));
  EXPECT_EQ(ledger_->tag_count(), 64U);
  EXPECT_EQ(ledger_->floor(), 0U);
  for (TagHash tag = 16; tag < 64; ++tag) EXPECT_FALSE(Holds(numbers[tag - 16], {tag}));
}

}  // namespace
}  // namespace larder
