#include "ghost.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "popularity.h"

namespace larder {
namespace {

constexpr std::size_t kEntries = 10'000;

std::uint64_t Hash(std::uint64_t key) { return Mix(key, 88); }

TEST(GhostTest, AWorthComesBackOnceToHalfAnOctave) {
  Ghost ghost(kEntries);
  ghost.Resize(kEntries);
  float expected = 0;
  for (std::uint64_t key = 0; key < 31; ++key, expected += 0.5f) {
    ghost.Put(Hash(key), expected + 0.2f);
    EXPECT_EQ(ghost.Take(Hash(key)), expected);
    EXPECT_EQ(ghost.Take(Hash(key)), std::nullopt);
  }
}

TEST(GhostTest, WorthBelowOneIsNotRememberedAndAboveTheRangeIsTheMost) {
  Ghost ghost(kEntries);
  ghost.Put(Hash(1), -0.01f);
  EXPECT_EQ(ghost.Take(Hash(1)), std::nullopt);
  ghost.Put(Hash(1), 99);
  EXPECT_EQ(ghost.Take(Hash(1)), 15.5f);
}

TEST(GhostTest, AKeyPutAgainHasItsLatestWorth) {
  Ghost ghost(kEntries);
  ghost.Put(Hash(1), 3);
  ghost.Put(Hash(1), 5);
  EXPECT_EQ(ghost.Take(Hash(1)), 5.0f);
  EXPECT_EQ(ghost.Take(Hash(1)), std::nullopt);
}

TEST(GhostTest, WhenItIsFullTheLeastGoesFirst) {
  Ghost ghost(kEntries);
  ghost.Resize(kEntries);
  for (std::uint64_t key = 0; key < kEntries; ++key) ghost.Put(Hash(key), 12);
  for (std::uint64_t key = kEntries; key < 5 * kEntries; ++key) ghost.Put(Hash(key), 1);
  std::size_t kept = 0;
  for (std::uint64_t key = 0; key < kEntries; ++key) {
    kept += ghost.Take(Hash(key)).value_or(0) > 8 ? 1 : 0;
  }
  EXPECT_GT(kept, kEntries * 9 / 10);
}

// What nobody asks for again must not hold its slot for ever.
TEST(GhostTest, TheRememberedAgeAsOthersCome) {
  Ghost ghost(kEntries);
  ghost.Resize(kEntries);
  for (std::uint64_t key = 0; key < 2 * kEntries; ++key) ghost.Put(Hash(key), 12);
  for (std::uint64_t key = 2 * kEntries; key < 400 * kEntries; ++key) ghost.Put(Hash(key), 2);
  std::size_t kept = 0;
  for (std::uint64_t key = 0; key < 2 * kEntries; ++key) {
    kept += ghost.Take(Hash(key)).value_or(0) > 2 ? 1 : 0;
  }
  EXPECT_LT(kept, kEntries / 10);
}

TEST(GhostTest, FewStrangersAreTakenForTheRemembered) {
  Ghost ghost(kEntries);
  ghost.Resize(kEntries);
  for (std::uint64_t key = 0; key < 3 * kEntries; ++key) ghost.Put(Hash(key), 4);
  std::size_t mistaken = 0;
  for (std::uint64_t key = 0; key < 100'000; ++key) {
    const std::uint64_t stranger = Hash(10'000'000 + key);
    if (ghost.Take(stranger).has_value()) {
      ++mistaken;
      ghost.Put(stranger, 4);
    }
  }
  EXPECT_LT(mistaken, 600u);
  EXPECT_GT(mistaken, 100u);  // else the slots are not as full as this test wants them
}

TEST(GhostTest, MemoryIsFourBytesAnEntryAndMostIsKeptOverAResize) {
  Ghost ghost(4 * kEntries);
  ghost.Resize(kEntries);
  EXPECT_EQ(ghost.bytes(), 4 * kEntries);
  for (std::uint64_t key = 0; key < 1000; ++key) ghost.Put(Hash(key), 6);
  ghost.Resize(kEntries * 13 / 10);
  std::size_t kept = 0;
  for (std::uint64_t key = 0; key < 1000; ++key) {
    kept += ghost.Take(Hash(key)) == 6.0f ? 1 : 0;
  }
  EXPECT_GT(kept, 700u);
}

TEST(GhostTest, WhatWasSavedComesBack) {
  Ghost ghost(kEntries);
  ghost.Resize(kEntries);
  for (std::uint64_t key = 0; key < 1000; ++key) ghost.Put(Hash(key), 6);
  std::string saved(ghost.bytes(), '\0');
  ghost.Save(0, std::span(saved).first(4096));
  ghost.Save(4096, std::span(saved).subspan(4096));
  Ghost loaded(kEntries);
  ASSERT_TRUE(loaded.Fits(saved.size(), kEntries));
  EXPECT_FALSE(loaded.Fits(saved.size(), kEntries / 2));
  loaded.Resize(kEntries);
  loaded.Load(0, std::span(saved).first(1024));
  loaded.Load(1024, std::span(saved).subspan(1024));
  for (std::uint64_t key = 0; key < 1000; ++key) {
    EXPECT_EQ(loaded.Take(Hash(key)), ghost.Take(Hash(key)));
  }
}

TEST(GhostTest, ThreadsPutTakeAndResizeAtOnce) {
  Ghost ghost(kEntries);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&ghost, t] {
      for (std::uint64_t i = 0; i < 50'000; ++i) {
        ghost.Put(Hash(i * 4 + t), 3);
        const std::optional<float> worth = ghost.Take(Hash(i));
        EXPECT_LE(worth.value_or(0), 15.5f);
      }
    });
  }
  for (std::size_t round = 0; round < 200; ++round) ghost.Resize(kEntries / (1 + round % 3));
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder
