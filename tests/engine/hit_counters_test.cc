#include "hit_counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "popularity.h"

namespace larder {
namespace {

constexpr std::size_t kEntries = 10'000;

std::uint64_t Hash(std::uint64_t key) { return Mix(key, 77); }

TEST(HitCountersTest, HitsOfAKeyAreCountedAndTakenOnce) {
  HitCounters counters(kEntries);
  counters.Resize(kEntries);
  for (int i = 0; i < 5; ++i) counters.Add(Hash(1));
  EXPECT_EQ(counters.Take(Hash(1)), 5u);
  EXPECT_EQ(counters.Take(Hash(1)), 0u);
}

TEST(HitCountersTest, ACountStopsAtFifteen) {
  HitCounters counters(kEntries);
  counters.Resize(kEntries);
  for (int i = 0; i < 1000; ++i) counters.Add(Hash(1));
  EXPECT_EQ(counters.Take(Hash(1)), HitCounters::kMost);
}

// Zipf-like hits on 10,000 entries, several laps of sweeps, against exact counts.
TEST(HitCountersTest, CountsAreSeldomTooHighAndHardlyEverTooLow) {
  HitCounters counters(kEntries);
  counters.Resize(kEntries);
  std::mt19937_64 random(20261126);
  std::uint64_t exact_sum = 0;
  std::uint64_t over = 0;
  std::uint64_t under = 0;
  for (int lap = 0; lap < 5; ++lap) {
    std::vector<unsigned> exact(kEntries, 0);
    for (std::size_t i = 0; i < kEntries; ++i) {
      const double u = static_cast<double>(random() >> 11) / 9007199254740992.0;
      const auto key = static_cast<std::size_t>(u * u * u * kEntries);
      counters.Add(Hash(key));
      ++exact[key];
    }
    for (std::size_t key = 0; key < kEntries; ++key) {
      const unsigned truth = std::min(exact[key], HitCounters::kMost);
      const unsigned seen = counters.Take(Hash(key));
      exact_sum += truth;
      if (seen > truth) over += seen - truth;
      if (seen < truth) under += truth - seen;
    }
  }
  EXPECT_LT(static_cast<double>(over), 0.15 * static_cast<double>(exact_sum));
  EXPECT_LT(static_cast<double>(under), 0.15 * static_cast<double>(exact_sum));
}

TEST(HitCountersTest, MemoryIsAByteAnEntry) {
  HitCounters counters(1'000'000);
  for (const std::size_t entries : {8, 1000, 12'345, 1'000'000}) {
    counters.Resize(entries);
    EXPECT_LE(counters.bytes(), entries + 8);
  }
  counters.Resize(5'000'000);  // over the most: stays there
  EXPECT_EQ(counters.bytes(), 1'000'000u);
}

TEST(HitCountersTest, MostCountsSurviveAResizeEitherWay) {
  for (const std::size_t after : {kEntries * 13 / 10, kEntries * 10 / 12, kEntries * 2}) {
    HitCounters counters(4 * kEntries);
    counters.Resize(kEntries);
    for (std::uint64_t key = 0; key < 500; ++key) {
      for (int i = 0; i < 7; ++i) counters.Add(Hash(key));
    }
    counters.Resize(after);
    int kept = 0;
    for (std::uint64_t key = 0; key < 500; ++key) kept += counters.Take(Hash(key)) == 7 ? 1 : 0;
    EXPECT_GT(kept, 250) << after;
  }
}

TEST(HitCountersTest, WhatWasSavedComesBack) {
  HitCounters counters(kEntries);
  counters.Resize(kEntries);
  for (std::uint64_t key = 0; key < 3000; ++key) counters.Add(Hash(key % 1000));
  std::string saved(counters.bytes(), '\0');
  counters.Save(0, std::span(saved).first(4096));
  counters.Save(4096, std::span(saved).subspan(4096));
  HitCounters loaded(kEntries);
  ASSERT_TRUE(loaded.Fits(saved.size(), kEntries));
  EXPECT_FALSE(loaded.Fits(saved.size(), kEntries / 2));
  loaded.Resize(kEntries);
  loaded.Load(0, std::span(saved).first(1024));
  loaded.Load(1024, std::span(saved).subspan(1024));
  for (std::uint64_t key = 0; key < 1000; ++key) {
    EXPECT_EQ(loaded.Take(Hash(key)), counters.Take(Hash(key)));
  }
}

TEST(HitCountersTest, ThreadsAddWhileSweepsTakeAndSizesChange) {
  HitCounters counters(kEntries);
  counters.Resize(kEntries);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&counters, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t));
      for (int i = 0; i < 50'000; ++i) counters.Add(Hash(random() % kEntries));
    });
  }
  for (std::size_t round = 0; round < 20; ++round) {
    counters.Resize(kEntries / (1 + round % 3));
    for (std::uint64_t key = 0; key < kEntries; ++key) {
      EXPECT_LE(counters.Take(Hash(key)), HitCounters::kMost);
    }
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace larder
