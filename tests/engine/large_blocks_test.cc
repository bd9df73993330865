#include "large_blocks.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace larder {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

// As their caches' stewards, a second apart.
void TrimOften(LargeBlocks& blocks, int times) {
  static LargeBlocks::Time now = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) blocks.Trim(now += std::chrono::seconds(1));
}

TEST(LargeBlocksTest, OneThatWasGivenBackIsUsedAgain) {
  LargeBlocks blocks;
  blocks.KeepMore(8 * kMiB);
  char* const block = blocks.Take(2 * kMiB);
  std::memset(block, 1, 2 * kMiB);
  blocks.GiveBack(block);
  EXPECT_GE(blocks.kept_bytes(), 2 * kMiB);
  char* const again = blocks.Take(2 * kMiB - 5000);
  EXPECT_EQ(again, block);
  EXPECT_EQ(blocks.kept_bytes(), 0u);
  blocks.GiveBack(again);
}

TEST(LargeBlocksTest, OneThatIsTooSmallGrows) {
  LargeBlocks blocks;
  blocks.KeepMore(8 * kMiB);
  for (const std::size_t bytes : {kMiB, 2 * kMiB - 5000, 3 * kMiB}) {
    char* const block = blocks.Take(bytes);
    EXPECT_EQ(blocks.kept_bytes(), 0u) << bytes;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0u);
    EXPECT_GE(LargeBlocks::CapacityOf(block), bytes);
    std::memset(block, 1, bytes);
    blocks.GiveBack(block);
    EXPECT_GE(blocks.kept_bytes(), bytes);
  }
}

TEST(LargeBlocksTest, OneOfAnotherOrderOfMagnitudeStaysForThoseThatNeedIt) {
  LargeBlocks blocks;
  blocks.KeepMore(8 * kMiB);
  for (const std::size_t kept : {LargeBlocks::kLarge, 4 * kMiB}) {
    blocks.GiveBack(blocks.Take(kept));
    const std::size_t before = blocks.kept_bytes();
    char* const block = blocks.Take(kMiB);
    EXPECT_EQ(blocks.kept_bytes(), before);
    EXPECT_LE(LargeBlocks::CapacityOf(block), kMiB + 8192);
    blocks.GiveBack(block);
    TrimOften(blocks, 3);
  }
}

TEST(LargeBlocksTest, TheOneThatFitsBestIsTaken) {
  LargeBlocks blocks;
  blocks.KeepMore(16 * kMiB);
  std::vector<char*> all;
  for (const std::size_t mib : {1, 4, 2}) all.push_back(blocks.Take(mib * kMiB));
  for (char* block : all) blocks.GiveBack(block);
  char* const two = blocks.Take(2 * kMiB);
  EXPECT_EQ(two, all[2]);
  char* const four = blocks.Take(4 * kMiB - kMiB / 2);
  EXPECT_EQ(four, all[1]);
  blocks.GiveBack(two);
  blocks.GiveBack(four);
}

TEST(LargeBlocksTest, NoMoreIsKeptThanAllowed) {
  LargeBlocks blocks;
  blocks.GiveBack(blocks.Take(kMiB));
  EXPECT_EQ(blocks.kept_bytes(), 0u) << "nothing, at first";
  blocks.KeepMore(4 * kMiB);
  std::vector<char*> all;
  for (int i = 0; i < 10; ++i) all.push_back(blocks.Take(kMiB));
  for (char* block : all) {
    blocks.GiveBack(block);
    EXPECT_LE(blocks.kept_bytes(), 4 * kMiB);
  }
  EXPECT_GE(blocks.kept_bytes(), 3 * kMiB);
  char* const newest = blocks.Take(kMiB);
  EXPECT_TRUE(newest == all[9] || newest == all[8] || newest == all[7]) << "the oldest went";
  blocks.GiveBack(newest);
  blocks.GiveBack(blocks.Take(6 * kMiB));
  EXPECT_LE(blocks.kept_bytes(), 4 * kMiB);
  blocks.KeepLess(4 * kMiB);
  EXPECT_EQ(blocks.kept_bytes(), 0u);
}

TEST(LargeBlocksTest, WhatNobodyUsesForTwoTrimsIsFreed) {
  LargeBlocks blocks;
  blocks.KeepMore(8 * kMiB);
  char* const used = blocks.Take(kMiB);
  char* const unused = blocks.Take(3 * kMiB);
  blocks.GiveBack(used);
  blocks.GiveBack(unused);
  for (int i = 0; i < 4; ++i) {
    char* const block = blocks.Take(kMiB);
    EXPECT_EQ(block, used);
    blocks.GiveBack(block);
    TrimOften(blocks, 1);
  }
  EXPECT_LT(blocks.kept_bytes(), 2 * kMiB);
  TrimOften(blocks, 3);
  EXPECT_EQ(blocks.kept_bytes(), 0u);
}

TEST(LargeBlocksTest, TrimsOfManyCachesCountOnce) {
  LargeBlocks blocks;
  blocks.KeepMore(8 * kMiB);
  blocks.GiveBack(blocks.Take(kMiB));
  const LargeBlocks::Time now = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) blocks.Trim(now + std::chrono::milliseconds(i));
  EXPECT_GE(blocks.kept_bytes(), kMiB);
}

TEST(LargeBlocksTest, MoreThanThereIsIsRefused) {
  LargeBlocks blocks;
  EXPECT_THROW(blocks.Take(SIZE_MAX / 4), std::bad_alloc);
  EXPECT_THROW(blocks.Take(SIZE_MAX), std::bad_alloc);
}

TEST(LargeBlocksTest, NobodyGetsWhatAnotherHolds) {
  LargeBlocks blocks;
  blocks.KeepMore(4 * kMiB);
  const auto work = [&blocks](std::uint32_t seed) {
    std::mt19937 random(seed);
    std::map<char*, std::size_t> held;
    for (int i = 0; i < 400; ++i) {
      if (held.size() < 4 && random() % 2 == 0) {
        const std::size_t bytes = LargeBlocks::kLarge + random() % (2 * kMiB);
        char* const block = blocks.Take(bytes);
        for (std::size_t at = 0; at < bytes; at += 4000) block[at] = static_cast<char>(seed);
        block[bytes - 1] = static_cast<char>(seed);
        ASSERT_TRUE(held.emplace(block, bytes).second);
      } else if (!held.empty()) {
        const auto [block, bytes] = *held.begin();
        held.erase(held.begin());
        for (std::size_t at = 0; at < bytes; at += 4000) {
          ASSERT_EQ(block[at], static_cast<char>(seed));
        }
        ASSERT_EQ(block[bytes - 1], static_cast<char>(seed));
        blocks.GiveBack(block);
      }
      if (i % 50 == 0) blocks.Trim();
    }
    for (const auto& [block, bytes] : held) blocks.GiveBack(block);
  };
  std::vector<std::thread> threads;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) threads.emplace_back(work, seed);
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(blocks.kept_bytes(), 4 * kMiB);
}

TEST(LargeBlocksTest, BytesOfAnySizeComeAndGo) {
  const std::size_t before = LargeBlocks::Shared().kept_bytes();
  {
    KeptBlocks kept;
    kept.Set(8 * kMiB);
    for (const std::size_t bytes : {std::size_t{1}, LargeBlocks::kLarge - 1, LargeBlocks::kLarge}) {
      const OwnedBytes block = MakeBytes(bytes);
      std::memset(block.get(), 1, bytes);
    }
    EXPECT_GE(LargeBlocks::Shared().kept_bytes(), LargeBlocks::kLarge);
    RowBytes row;
    while (row.size() < 2 * kMiB) row.append(1000, 'x');
    EXPECT_EQ(row.find_first_not_of('x'), RowBytes::npos);
  }
  EXPECT_EQ(LargeBlocks::Shared().kept_bytes(), before);
}

}  // namespace
}  // namespace larder
