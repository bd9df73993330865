#include "exponent_choice.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace larder {
namespace {

std::uint64_t Hash(std::uint64_t key) { return Mix(key, 99); }

TEST(MiniatureCacheTest, ItHoldsNoMoreThanItsCapacity) {
  const auto cache = std::make_unique<MiniatureCache>(Exponents{1, 0.4f});
  cache->SetCapacity(10'000);
  std::mt19937_64 random(4);
  for (int i = 0; i < 20'000; ++i) {
    static_cast<void>(cache->Access({Hash(random() % 1000), 100, 1}));
    ASSERT_LE(cache->entries(), 100u);
  }
  EXPECT_GE(cache->entries(), 79u);
}

TEST(MiniatureCacheTest, SmallEntriesNeverOverrunItsTable) {
  const auto cache = std::make_unique<MiniatureCache>(Exponents{1, 0.4f});
  cache->SetCapacity(1e12);
  for (std::uint64_t key = 0; key < 10'000; ++key) {
    static_cast<void>(cache->Access({Hash(key), 1, 1}));
    ASSERT_LT(cache->entries(), MiniatureCache::kMostEntries);
  }
}

TEST(MiniatureCacheTest, WhatDoesNotFitIsNotHeld) {
  const auto cache = std::make_unique<MiniatureCache>(Exponents{1, 0.4f});
  cache->SetCapacity(1000);
  EXPECT_FALSE(cache->Access({Hash(1), 1001, 1}));
  EXPECT_FALSE(cache->Access({Hash(1), 1001, 1}));
  EXPECT_FALSE(cache->Access({Hash(2), 1000, 1}));
  EXPECT_TRUE(cache->Access({Hash(2), 1000, 1}));
}

TEST(MiniatureCacheTest, ItKeepsTheDearAndThePopular) {
  const auto cache = std::make_unique<MiniatureCache>(Exponents{1, 0.4f});
  cache->SetCapacity(100 * 100);
  std::mt19937_64 random(5);
  int dear = 0;
  int cheap = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t key = random() % 400;
    const bool is_dear = key < 50;
    const bool hit = cache->Access({Hash(key), 100, is_dear ? 100.0 : 1.0});
    (is_dear ? dear : cheap) += hit ? 1 : 0;
  }
  EXPECT_GT(dear, 12'000);  // of 12,500
  EXPECT_LT(cheap, 25'000);
}

// Sessions: each key is asked for a few times in a row, then never again.
TEST(ExponentChoiceTest, SessionsAreMetWithExponentsThatMindIdleness) {
  ExponentChoice choice;
  choice.SetSize({.entries = 400, .bytes = 40'000, .capacity_bytes = 40'000});
  std::mt19937_64 random(6);
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    choice.Note({Hash(i / 8 + random() % 250), 100, 1});
  }
  EXPECT_GE(ExponentChoice::kExponents[choice.best()].idle_power, 0.8f);
}

TEST(ExponentChoiceTest, OnlyASampleOfALargeCacheIsLookedAt) {
  ExponentChoice choice;
  choice.SetSize({.entries = 1'000'000, .bytes = 100'000'000, .capacity_bytes = 100'000'000});
  // Sessions, as above; too few of their keys are in the sample to choose by.
  std::mt19937_64 random(6);
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    choice.Note({Hash(i / 8 + random() % 250), 100, 1});
  }
  EXPECT_EQ(choice.best(), 0u);
}

TEST(ExponentChoiceTest, ThreadsNoteWhileTheSizeChanges) {
  ExponentChoice choice;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&choice, t] {
      for (std::uint64_t i = 0; i < 20'000; ++i) choice.Note({Hash(i % 700 + t), 100, 1});
    });
  }
  for (std::uint64_t n = 1; n < 500; ++n) {
    choice.SetSize({.entries = n, .bytes = n * 100, .capacity_bytes = 50'000});
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(choice.best(), ExponentChoice::kCandidates);
}

}  // namespace
}  // namespace larder
