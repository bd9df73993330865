#include "eviction_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "allocations.h"
#include "saved_policy.h"

namespace larder {
namespace {

using testing::MemoryPeak;
using testing::Saved;
using testing::SourceOf;

constexpr std::uint64_t kBytes = 100;

std::uint64_t Hash(std::uint64_t key) { return Mix(key, 55); }

// Rows of a store without bodies; one slice is all of them.
class EvictionPolicyTest : public ::testing::Test {
 protected:
  struct Row {
    EntryFacts facts;
    Popularity popularity;
  };

  void Store(std::uint64_t key, double cost = 1, std::uint64_t bytes = kBytes) {
    const EntryFacts facts{.hash = Hash(key), .bytes = bytes, .cost = cost};
    rows_[key] = {facts, policy_.NoteStored(facts, ++clock_, std::nullopt)};
    TellSize();
  }
  void Hit(std::uint64_t key) {
    ++clock_;
    policy_.NoteHit(rows_.at(key).facts);
  }
  // Returns how many went.
  std::size_t Sweep(double drop = 0.2) {
    EvictionPolicy::Sweep sweep =
        policy_.BeginSweep({.clock = clock_, .last_swept = last_swept_, .drop = drop});
    last_swept_ = clock_;
    const std::size_t before = rows_.size();
    for (auto row = rows_.begin(); row != rows_.end();) {
      const auto kept = sweep.Judge(row->second.facts, row->second.popularity);
      if (kept.has_value()) row->second.popularity = *kept;
      row = kept.has_value() ? std::next(row) : rows_.erase(row);
    }
    return before - rows_.size();
  }
  void TellSize() {
    most_ = std::max<std::uint64_t>(most_, rows_.size());
    const std::uint64_t bytes = most_ * kBytes;
    policy_.SetSize({.entries = most_, .bytes = bytes, .capacity_bytes = bytes});
  }
  std::size_t Among(std::uint64_t from, std::uint64_t to) const {
    std::size_t count = 0;
    for (std::uint64_t key = from; key < to; ++key) count += rows_.contains(key) ? 1 : 0;
    return count;
  }

  EvictionPolicy policy_{1'000'000};
  std::map<std::uint64_t, Row> rows_;
  std::uint64_t most_ = 0;  // rows there ever were
  std::uint64_t clock_ = 0;
  std::uint64_t last_swept_ = 0;
};

TEST_F(EvictionPolicyTest, TheFirstSweepOnlyLearns) {
  for (std::uint64_t key = 0; key < 1000; ++key) Store(key);
  EXPECT_EQ(Sweep(), 0u);
}

TEST_F(EvictionPolicyTest, LaterSweepsDropTheShareAskedFor) {
  for (std::uint64_t key = 0; key < 10'000; ++key) Store(key, 1 + static_cast<double>(key % 97));
  Sweep();
  for (const double drop : {0.1, 0.2, 0.5}) {
    const auto before = static_cast<double>(rows_.size());
    EXPECT_NEAR(static_cast<double>(Sweep(drop)) / before, drop, 0.12) << drop;
  }
}

TEST_F(EvictionPolicyTest, TheDearSurviveTheCheap) {
  for (std::uint64_t key = 0; key < 2000; ++key) Store(key, key < 1000 ? 50 : 1);
  Sweep();
  Sweep(0.3);
  EXPECT_EQ(Among(0, 1000), 1000u);
  EXPECT_LT(Among(1000, 2000), 600u);
}

TEST_F(EvictionPolicyTest, TheSmallSurviveTheLarge) {
  for (std::uint64_t key = 0; key < 2000; ++key) Store(key, 1, key < 1000 ? 100 : 10'000);
  Sweep();
  Sweep(0.3);
  EXPECT_EQ(Among(0, 1000), 1000u);
  EXPECT_LT(Among(1000, 2000), 800u);
}

TEST_F(EvictionPolicyTest, TheHitSurviveTheOthersAndAreRememberedInTheirRows) {
  for (std::uint64_t key = 0; key < 2000; ++key) Store(key);
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t key = 0; key < 500; ++key) Hit(key);
  }
  Sweep();
  EXPECT_NEAR(CountOf(rows_.at(7).popularity.count), 4, 1);
  EXPECT_GT(rows_.at(7).popularity.stamp, 2000u);
  EXPECT_LE(rows_.at(7).popularity.stamp, clock_);
  EXPECT_GT(Sweep(0.3), 300u);
  EXPECT_GE(Among(0, 500), 450u);  // counters are shared: a few may go unnoticed
}

TEST_F(EvictionPolicyTest, OfEquallyPopularTheIdleGoFirst) {
  for (std::uint64_t key = 0; key < 1000; ++key) Store(key);
  Sweep();
  for (std::uint64_t key = 1000; key < 2000; ++key) Store(key);
  Sweep(0);
  Sweep(0.25);
  EXPECT_LT(Among(0, 1000) + 300, Among(1000, 2000));
}

TEST_F(EvictionPolicyTest, AnEvictedEntryThatComesBackHasItsCount) {
  for (std::uint64_t key = 0; key < 4000; ++key) Store(key);
  for (int round = 0; round < 10; ++round) {
    for (std::uint64_t key = 0; key < 100; ++key) Hit(key);
  }
  Sweep();
  for (int round = 0; round < 5; ++round) Sweep(1.0);
  ASSERT_EQ(Among(0, 100), 0u);
  int remembered = 0;
  for (std::uint64_t key = 0; key < 100; ++key) {
    Store(key);
    if (CountOf(rows_.at(key).popularity.count) > 6) ++remembered;
    EXPECT_LT(CountOf(rows_.at(key).popularity.count), 24);
  }
  EXPECT_GT(remembered, 90);
}

TEST_F(EvictionPolicyTest, AnEntryComputedAnewKeepsWhatItHasEarned) {
  const EntryFacts facts{.hash = Hash(1), .bytes = kBytes, .cost = 1};
  const Popularity renewed =
      policy_.NoteStored(facts, 900, Popularity{.count = EncodeCount(40, 0), .stamp = 3});
  EXPECT_NEAR(CountOf(renewed.count), 41, 4);
  EXPECT_EQ(renewed.stamp, 900u);
}

TEST_F(EvictionPolicyTest, AClockThatStepsBackIsNotMistakenForGreatAge) {
  for (std::uint64_t key = 0; key < 1000; ++key) Store(key);
  clock_ -= 500;  // as after a crash
  last_swept_ = clock_ + 400;
  Sweep();
  for (const auto& [key, row] : rows_) {
    EXPECT_LE(row.popularity.stamp, clock_);
    EXPECT_EQ(row.popularity.count, Popularity::kCountOfOne);
  }
}

TEST_F(EvictionPolicyTest, MemoryIsSixBytesAnEntryAndAQuarterMegabyte) {
  EvictionPolicy policy(10'000'000);
  const auto tell = [&](std::uint64_t entries) {
    policy.SetSize(
        {.entries = entries, .bytes = entries * kBytes, .capacity_bytes = entries * kBytes});
    EXPECT_LE(policy.MemoryBytes(), 6 * entries + (256 << 10)) << entries;
  };
  for (std::uint64_t entries = 1; entries < 9'000'000; entries += 1 + entries / 9) tell(entries);
  for (std::uint64_t entries = 9'000'000; entries > 10; entries -= 1 + entries / 9) tell(entries);
}

TEST_F(EvictionPolicyTest, HitsSweepsStoresAndSizesGoOnAtOnce) {
  for (std::uint64_t key = 0; key < 2000; ++key) Store(key);
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (std::uint64_t i = 0; i < 20'000; ++i) {
        const EntryFacts facts{.hash = Hash((i * 7 + t) % 3000), .bytes = kBytes, .cost = 1};
        if (i % 10 == 0) static_cast<void>(policy_.NoteStored(facts, i, std::nullopt));
        policy_.NoteHit(facts);
      }
    });
  }
  for (int round = 0; round < 30; ++round) {
    Sweep();
    for (std::uint64_t key = 0; key < 2000; ++key) {
      if (!rows_.contains(key)) Store(key);
    }
    static_cast<void>(Saved(policy_));
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(policy_.exponents_in_use(), ExponentChoice::kCandidates);
}

TEST_F(EvictionPolicyTest, ASavedPolicyGoesOnWhereItWas) {
  for (std::uint64_t key = 0; key < 3000; ++key) Store(key, 1 + static_cast<double>(key % 13));
  Sweep();
  Sweep();
  for (std::uint64_t key = 0; key < 3000; key += 3) {
    if (rows_.contains(key)) Hit(key);
  }
  const std::string saved = Saved(policy_);
  EvictionPolicy loaded(1'000'000);
  ASSERT_TRUE(loaded.Load(SourceOf(saved)).ok());
  EvictionPolicy::Sweep ours = policy_.BeginSweep({.clock = clock_, .last_swept = last_swept_});
  EvictionPolicy::Sweep theirs = loaded.BeginSweep({.clock = clock_, .last_swept = last_swept_});
  std::size_t dropped = 0;
  std::size_t differ = 0;
  for (const auto& [key, row] : rows_) {
    const auto a = ours.Judge(row.facts, row.popularity);
    dropped += a.has_value() ? 0 : 1;
    differ += a == theirs.Judge(row.facts, row.popularity) ? 0 : 1;
  }
  EXPECT_GT(dropped, 30u);
  EXPECT_LE(differ, 2u);  // the share of the boundary bin is rounded
  const EntryFacts gone{.hash = Hash(1), .bytes = kBytes, .cost = 2};
  EXPECT_EQ(policy_.NoteStored(gone, 9, std::nullopt), loaded.NoteStored(gone, 9, std::nullopt));
}

TEST_F(EvictionPolicyTest, NoDamageToASavedPolicyGoesUnnoticed) {
  for (std::uint64_t key = 0; key < 300; ++key) Store(key, 1 + static_cast<double>(key % 13));
  Sweep();
  const std::string saved = Saved(policy_);
  EvictionPolicy other(1'000'000);
  const std::string before = Saved(other);
  for (std::size_t at = 0; at < saved.size(); at += 1 + at / 40) {
    std::string damaged = saved;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    EXPECT_EQ(other.Load(SourceOf(damaged)).code(), StatusCode::kDataLoss) << at;
    EXPECT_EQ(other.Load(SourceOf(std::string_view(saved).substr(0, at))).code(),
              StatusCode::kDataLoss)
        << at;
  }
  EXPECT_EQ(other.Load(SourceOf(saved + "x")).code(), StatusCode::kDataLoss);
  EXPECT_EQ(Saved(other), before);
}

TEST_F(EvictionPolicyTest, OfManyEntriesIsSavedAndLoadedWithoutACopyInMemory) {
  constexpr std::uint64_t kMany = 1'000'000;
  policy_.SetSize({.entries = kMany, .bytes = kMany * kBytes, .capacity_bytes = kMany * kBytes});
  const std::string saved = Saved(policy_);
  ASSERT_GT(saved.size(), 4 * kMany);
  EvictionPolicy loaded(kMany);
  const MemoryPeak peak;
  std::uint64_t bytes = 0;
  ASSERT_TRUE(policy_
                  .Save([&bytes](std::string_view piece) {
                    bytes += piece.size();
                    return Status::Ok();
                  })
                  .ok());
  EXPECT_EQ(bytes, saved.size());
  EXPECT_LT(peak.bytes(), 256u << 10);
  ASSERT_TRUE(loaded.Load(SourceOf(saved)).ok());
  EXPECT_LT(peak.bytes(), 256u << 10);
  EXPECT_EQ(Saved(loaded), saved);
}

TEST_F(EvictionPolicyTest, AnErrorOfWhatItIsSavedToOrLoadedFromIsTold) {
  const Status full(StatusCode::kResourceExhausted, "full");
  EXPECT_EQ(policy_.Save([&](std::string_view) { return full; }).code(), full.code());
  const std::string saved = Saved(policy_);
  const Status broken(StatusCode::kUnavailable, "broken");
  const ByteSource source{.size = saved.size(),
                          .read = [&](std::uint64_t, std::span<char>) { return broken; }};
  EXPECT_EQ(policy_.Load(source).code(), broken.code());
}

}  // namespace
}  // namespace larder
