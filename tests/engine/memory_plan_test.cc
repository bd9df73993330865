#include "memory_plan.h"

#include <gtest/gtest.h>

#include "eviction_policy.h"
#include "space_plan.h"

namespace larder {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kTagBytes = 24;

TEST(MemoryPlanTest, AllPartsAtTheirLargestLeaveTheHotTierAShareWithinTheLimit) {
  for (std::uint64_t limit = 32 * kMiB; limit <= 64 * 1024 * kMiB; limit += limit / 3) {
    const MemoryPlan plan(limit);
    const std::uint64_t others =
        plan.policy_bytes + plan.ledger_tags * kTagBytes + plan.sample_bytes;
    EXPECT_LE(plan.store_bytes + plan.queue_bytes + others + plan.HotTierBytes(others), limit);
    EXPECT_GE(plan.HotTierBytes(others), limit / 4);
  }
}

TEST(MemoryPlanTest, WhatOthersDoNotTakeIsTheHotTiers) {
  const MemoryPlan plan(256 * kMiB);
  EXPECT_EQ(plan.HotTierBytes(10 * kMiB),
            256 * kMiB - plan.store_bytes - plan.queue_bytes - 10 * kMiB);
  EXPECT_EQ(plan.HotTierBytes(1024 * kMiB), 16 * kMiB) << "a little, whatever happens";
}

TEST(MemoryPlanTest, MemtablesTakeNoMoreThanTwoThirdsOfTheStoresShare) {
  for (const std::uint64_t memory : {32 * kMiB, 64 * kMiB, 256 * kMiB, 1024 * kMiB}) {
    const MemoryPlan plan(memory);
    for (const std::uint64_t disk : {256 * kMiB, 1024 * kMiB, 1024 * 1024 * kMiB}) {
      EXPECT_LE(SpacePlan(disk, plan.write_buffer_bytes).memtable_bytes(),
                plan.store_bytes * 2 / 3);
    }
  }
}

TEST(MemoryPlanTest, AMillionTagsFitIntoTheDefault) {
  EXPECT_EQ(MemoryPlan(256 * kMiB).ledger_tags, 1'000'000u);
  EXPECT_LT(MemoryPlan(32 * kMiB).ledger_tags, 200'000u);
}

}  // namespace
}  // namespace larder
