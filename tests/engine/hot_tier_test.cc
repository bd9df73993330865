#include "hot_tier.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "allocations.h"

namespace larder {
namespace {

constexpr std::size_t kCapacity = 4 << 20;

std::shared_ptr<const EntryData> MakeEntry(std::size_t body_bytes, std::uint64_t number = 1) {
  auto entry = std::make_shared<EntryData>();
  entry->number = number;
  std::fill_n(FillEntry(*entry, "", "", 0, body_bytes), body_bytes, 'x');
  return entry;
}

class HotTierTest : public ::testing::Test {
 protected:
  void Insert(const std::string& key, std::size_t bytes = 1000, std::uint64_t number = 1) {
    tier_.Insert(key, HotTier::HashKey(key), MakeEntry(bytes, number));
  }
  std::shared_ptr<const EntryData> Find(const std::string& key) {
    return tier_.Find(key, HotTier::HashKey(key));
  }
  HotTier tier_{kCapacity};
};

TEST_F(HotTierTest, FindsWhatWasInsertedAndNothingElse) {
  Insert("a", 10, 7);
  ASSERT_NE(Find("a"), nullptr);
  EXPECT_EQ(Find("a")->number, 7u);
  EXPECT_EQ(Find("b"), nullptr);
}

TEST_F(HotTierTest, InsertReplacesAndEraseForgets) {
  Insert("a", 10, 1);
  Insert("a", 10, 2);
  EXPECT_EQ(Find("a")->number, 2u);
  EXPECT_EQ(tier_.entries(), 1u);
  tier_.Erase("a", HotTier::HashKey("a"));
  EXPECT_EQ(Find("a"), nullptr);
  EXPECT_EQ(tier_.bytes(), 0u);
}

TEST_F(HotTierTest, EraseIfSparesAReplacement) {
  Insert("a", 10, 1);
  const std::shared_ptr<const EntryData> old = Find("a");
  Insert("a", 10, 2);
  tier_.EraseIf("a", HotTier::HashKey("a"), old.get());
  ASSERT_NE(Find("a"), nullptr);
  EXPECT_EQ(Find("a")->number, 2u);
}

TEST_F(HotTierTest, StaysWithinItsBytes) {
  for (int i = 0; i < 20'000; ++i) {
    Insert("key " + std::to_string(i), static_cast<std::size_t>(100 + i % 5000));
    ASSERT_LE(tier_.bytes(), kCapacity);
  }
  EXPECT_GT(tier_.bytes(), kCapacity / 2);
}

TEST_F(HotTierTest, EntryTooLargeForAShardIsNotTaken) {
  Insert("large", kCapacity / 2);
  EXPECT_EQ(Find("large"), nullptr);
}

TEST_F(HotTierTest, EntriesInUseSurviveAScan) {
  for (int i = 0; i < 200; ++i) Insert("hot " + std::to_string(i));
  for (int i = 0; i < 20'000; ++i) {
    Insert("scan " + std::to_string(i));
    Find("hot " + std::to_string(i % 200));
  }
  int alive = 0;
  for (int i = 0; i < 200; ++i) alive += Find("hot " + std::to_string(i)) != nullptr;
  EXPECT_GT(alive, 180);  // LRU of this size would keep them too; FIFO would keep none
}

TEST_F(HotTierTest, ReturningKeyGoesToTheMainQueue) {
  Insert("returns");
  for (int i = 0; i < 4000; ++i) Insert("filler " + std::to_string(i));
  ASSERT_EQ(Find("returns"), nullptr);
  Insert("returns");  // the ghost remembers it
  for (int i = 0; i < 200; ++i) Insert("more " + std::to_string(i));
  EXPECT_NE(Find("returns"), nullptr);
}

TEST_F(HotTierTest, EntryOutlivesItsEviction) {
  Insert("a", 10, 9);
  const std::shared_ptr<const EntryData> entry = Find("a");
  tier_.Erase("a", HotTier::HashKey("a"));
  EXPECT_EQ(entry->number, 9u);
  EXPECT_EQ(entry->body, std::string(10, 'x'));
}

TEST_F(HotTierTest, ThreadsMayDoEverythingAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 5000; ++i) {
        const std::string key = "k" + std::to_string((i * 7 + t) % 300);
        if (i % 3 == 0) Insert(key, 500, 1);
        const auto entry = Find(key);
        ASSERT_TRUE(entry == nullptr || entry->body.size() == 500u);
        if (i % 11 == 0) tier_.Erase(key, HotTier::HashKey(key));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(tier_.bytes(), kCapacity);
}

TEST_F(HotTierTest, ASmallerCapacityHoldsAtOnceAndALargerOneFromThenOn) {
  for (int i = 0; i < 2000; ++i) Insert("key " + std::to_string(i));
  const std::size_t before = tier_.bytes();
  tier_.SetCapacity(kCapacity / 4);
  EXPECT_LE(tier_.bytes(), kCapacity / 4);
  EXPECT_GT(tier_.bytes(), kCapacity / 8);
  tier_.SetCapacity(2 * kCapacity);
  EXPECT_EQ(tier_.capacity(), 2 * kCapacity);
  for (int i = 0; i < 8000; ++i) Insert("key " + std::to_string(i));
  EXPECT_GT(tier_.bytes(), before * 3 / 2);
}

TEST_F(HotTierTest, KnowsWhatWasUsedAgainTheMostUsedFirst) {
  for (const char* key : {"never", "once", "thrice"}) Insert(key);
  for (const char* key : {"once", "thrice", "thrice", "thrice"}) Find(key);
  EXPECT_EQ(tier_.HottestKeys(1 << 20), (std::vector<std::string>{"thrice", "once"}));
  EXPECT_EQ(tier_.HottestKeys(8), (std::vector<std::string>{"thrice"}));
}

TEST_F(HotTierTest, TheHottestKeysAreThoseOfTheFrontOfTheWholeList) {
  for (int i = 0; i < 1000; ++i) {
    const std::string key(static_cast<std::size_t>(4 + i % 60), static_cast<char>('a' + i % 26));
    Insert(key + std::to_string(i));
    for (int use = 0; use < i % 5; ++use) Find(key + std::to_string(i));
  }
  const std::vector<std::string> all = tier_.HottestKeys(1 << 20);
  ASSERT_EQ(all.size(), 800u);
  for (const std::size_t most : {0u, 1u, 10u, 100u, 1000u, 10'000u}) {
    std::vector<std::string> front;
    std::size_t bytes = 0;
    for (const std::string& key : all) {
      bytes += key.size();
      if (bytes > most) break;
      front.push_back(key);
    }
    EXPECT_EQ(tier_.HottestKeys(most), front) << most;
  }
}

TEST(HotTierMemoryTest, TheHottestKeysTakeMemoryForWhatIsAskedForOnly) {
  constexpr std::size_t kAsked = 64 << 10;
  HotTier tier(256 << 20);
  const std::shared_ptr<const EntryData> entry = MakeEntry(10);
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = "a key of forty bytes, about " + std::to_string(i);
    tier.Insert(key, HotTier::HashKey(key), entry);
    tier.Find(key, HotTier::HashKey(key));
  }
  const testing::MemoryPeak peak;
  EXPECT_GT(tier.HottestKeys(kAsked).size(), 1800u);
  EXPECT_LT(peak.bytes(), 8 * kAsked);
}

TEST_F(HotTierTest, WhatIsExpectedStaysLongerThanWhatIsNew) {
  tier_.Expect(HotTier::HashKey("expected"));
  Insert("expected");
  Insert("new");
  for (int i = 0; i < 3600; ++i) Insert("key " + std::to_string(i));
  EXPECT_NE(Find("expected"), nullptr);
  EXPECT_EQ(Find("new"), nullptr);
}

}  // namespace
}  // namespace larder
