// Options changed while the cache is open.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "cache_core.h"
#include "directory_size.h"
#include "fake_clock.h"
#include "prose.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::Prose;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class CacheChangeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.max_memory_bytes = 128 * kMiB;
    Result<std::shared_ptr<CacheCore>> core = CacheCore::Open(options_, {.threads = false});
    ASSERT_OK(core);
    core_ = *std::move(core);
  }
  void TearDown() override { ASSERT_OK(core_->Close()); }
  std::uint64_t StoredBytes(const std::string& key, std::uint64_t seed) {
    EXPECT_OK(core_->Put(key, Prose(seed, 20'000), {}));
    return core_->Get(key, {})->entry.stored_bytes();
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Options options_;
  std::shared_ptr<CacheCore> core_;
};

TEST_F(CacheChangeTest, LessMemoryHoldsAtOnceAndMoreIsUsed) {
  ASSERT_OK(core_->Change({.compression_level = 0}));
  core_->Care();  // lets the store merge
  const auto fill = [this] {
    for (int i = 0; i < 9'000; ++i) {
      const std::string key = "key " + std::to_string(i);
      while (!core_->Put(key, std::string(10'000, 'b'), {}).ok()) core_->Care();
    }
  };
  fill();
  const Stats before = core_->GetStats();
  EXPECT_GT(before.hot_bytes, 50 * kMiB);
  EXPECT_LE(before.memory_bytes, 128 * kMiB);
  ASSERT_OK(core_->Change({.max_memory_bytes = 40 * kMiB}));
  EXPECT_LE(core_->GetStats().hot_bytes, 32 * kMiB);
  fill();
  EXPECT_LE(core_->GetStats().memory_bytes, 40 * kMiB);
  ASSERT_OK(core_->Change({.max_memory_bytes = 256 * kMiB}));
  fill();
  EXPECT_GT(core_->GetStats().hot_bytes, before.hot_bytes);
  EXPECT_EQ(core_->Change({.max_memory_bytes = kMiB}).code(), StatusCode::kInvalidArgument);
}

TEST_F(CacheChangeTest, LessMemoryLeavesRoomForFewerInvalidatedTags) {
  constexpr std::uint64_t kMostOf32MiB = 131'072;
  for (std::uint64_t tag = 0; tag < 140'000;) {
    Invalidation invalidation;
    for (std::size_t i = 0; i < kMaxTags; ++i) invalidation.tags.push_back(std::to_string(tag++));
    ASSERT_OK(core_->Invalidate({&invalidation, 1}));
  }
  ASSERT_OK(core_->Put("key", "body", {.tags = {"another"}}));
  ASSERT_GE(core_->GetStats().ledger_tags, 140'000u);
  ASSERT_OK(core_->Change({.max_memory_bytes = 32 * kMiB}));
  EXPECT_LE(core_->GetStats().ledger_tags, kMostOf32MiB);
  EXPECT_GT(core_->GetStats().ledger_tags, kMostOf32MiB / 2);
  EXPECT_TRUE(core_->Get("key", {}).has_value()) << "newer than all that was dropped";
}

// Keys with most of their bytes in common make indexes of a quarter of what they index.
TEST_F(CacheChangeTest, IndexesThatLeaveTooLittleMemoryAreNotHeldThere) {
  const auto key = [](int i) { return std::string(1000, 'k') + std::to_string(100'000 + i); };
  ASSERT_OK(core_->Change({.compression_level = 0}));
  core_->Care();
  for (int i = 0; i < 24'000; ++i) {
    while (!core_->Put(key(i), std::string(4'000, 'b'), {}).ok()) core_->Care();
  }
  ASSERT_OK(core_->CompactAll({}));
  EXPECT_EQ(core_->GetStats().reopened, 0u) << "there is memory enough";
  ASSERT_OK(core_->Change({.max_memory_bytes = 32 * kMiB}));
  EXPECT_GT(core_->GetStats().memory_bytes, 32 * kMiB);
  for (int i = 0; i < 2; ++i) {
    clock_.Advance(std::chrono::seconds(6));
    core_->Care();
  }
  EXPECT_EQ(core_->GetHealth().state, HealthState::kServing);
  EXPECT_EQ(core_->GetStats().reopened, 1u);
  EXPECT_EQ(core_->GetStats().store_faults, 0u);
  for (int i = 0; i < 24'000; i += 100) EXPECT_TRUE(core_->Get(key(i), {})) << i;
  EXPECT_LE(core_->GetStats().memory_bytes, 32 * kMiB);
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(std::chrono::seconds(6));
    core_->Care();
  }
  EXPECT_EQ(core_->GetStats().reopened, 1u);
}

// The larger of two journals that are there for a moment, when it is written anew.
TEST_F(CacheChangeTest, ManyInvalidatedTagsHaveTheirRoomOnDisk) {
  const auto beside = [this] {
    core_->Care();
    return core_->GetStats().disk_bytes - DirectorySize(options_.directory);
  };
  const std::uint64_t before = beside();
  for (std::uint64_t tag = 0; tag < 60'000;) {
    Invalidation invalidation;
    for (std::size_t i = 0; i < kMaxTags; ++i) invalidation.tags.push_back(std::to_string(tag++));
    ASSERT_OK(core_->Invalidate({&invalidation, 1}));
  }
  EXPECT_GT(beside(), before + 60'000 / 2 * 3 * 32 - 2 * kMiB / 8);
}

// The budget may not wait for the next time that it is measured.
TEST_F(CacheChangeTest, ManyTagsInvalidatedAtOnceHaveTheirRoomAtOnce) {
  core_->Care();
  std::vector<Invalidation> many(1000);
  std::uint64_t tag = 0;
  for (Invalidation& one : many) {
    for (std::size_t i = 0; i < 100; ++i) one.tags.push_back(std::to_string(tag++));
  }
  ASSERT_OK(core_->Invalidate(many));
  EXPECT_GE(core_->GetStats().disk_bytes, DirectorySize(options_.directory));
}

TEST_F(CacheChangeTest, LongInvalidatedPrefixesHaveTheirRoomOnDiskToo) {
  core_->Care();
  const std::uint64_t before = core_->GetStats().disk_bytes - DirectorySize(options_.directory);
  for (int i = 0; i < 1'000; ++i) {
    const Invalidation invalidation{.prefixes = {std::to_string(i) + std::string(1'000, 'p')}};
    ASSERT_OK(core_->Invalidate({&invalidation, 1}));
  }
  core_->Care();
  // 126 cells of 32 bytes each, and half as many free ones.
  EXPECT_GT(core_->GetStats().disk_bytes - DirectorySize(options_.directory),
            before + 1'000 * 126 * 32 * 3 / 2);
}

TEST_F(CacheChangeTest, TheLevelOfCompressionIsThatOfWhatIsStoredFromThenOn) {
  const std::uint64_t level3 = StoredBytes("three", 1);
  ASSERT_OK(core_->Change({.compression_level = 19}));
  const std::uint64_t level19 = StoredBytes("nineteen", 1);
  ASSERT_OK(core_->Change({.compression_level = 0}));
  const std::uint64_t level0 = StoredBytes("zero", 1);
  EXPECT_LT(level19, level3);
  EXPECT_GT(level0, 20'000u);
  EXPECT_EQ(core_->Get("three", {})->entry.body(), Prose(1, 20'000));
  EXPECT_EQ(core_->Get("nineteen", {})->entry.body(), Prose(1, 20'000));
  EXPECT_EQ(core_->Change({.compression_level = 20}).code(), StatusCode::kInvalidArgument);
}

TEST_F(CacheChangeTest, AChangedLevelHoldsWithADictionaryToo) {
  for (std::uint64_t i = 0; i < 1200; ++i) {
    ASSERT_OK(core_->Put("key " + std::to_string(i), Prose(i, 600), {}));
  }
  const Result<DictionaryTraining> training = core_->TrainNow();
  ASSERT_OK(training);
  ASSERT_TRUE(training->adopted);
  const std::uint64_t level3 = StoredBytes("three", 5000);
  ASSERT_OK(core_->Change({.compression_level = 19}));
  EXPECT_LT(StoredBytes("nineteen", 5000), level3);
  EXPECT_EQ(core_->Get("nineteen", {})->entry.body(), Prose(5000, 20'000));
  const Result<std::vector<DictionaryInfo>> dictionaries = core_->Dictionaries();
  ASSERT_OK(dictionaries);
  ASSERT_EQ(dictionaries->size(), 1u);
  EXPECT_TRUE(dictionaries->front().writing);
  EXPECT_EQ(dictionaries->front().files, 0u) << "nothing is in a table yet";
  ASSERT_OK(core_->CompactAll());
  EXPECT_GT(core_->Dictionaries()->front().files, 0u);
}

TEST_F(CacheChangeTest, ADictionaryCanBeTrainedFromWhatLiesInTheStore) {
  for (std::uint64_t i = 0; i < 600; ++i) {
    ASSERT_OK(core_->Put("key " + std::to_string(i), Prose(i, 600), {}));
  }
  ASSERT_OK(core_->Close());
  core_ = *CacheCore::Open(options_, {.threads = false});
  const Result<DictionaryTraining> training = core_->TrainNow();
  ASSERT_OK(training);
  EXPECT_TRUE(training->adopted);
  EXPECT_GT(training->samples, 100u);
  EXPECT_LT(training->trained_bytes, training->current_bytes);
  EXPECT_LT(training->current_bytes, training->raw_bytes);
}

TEST_F(CacheChangeTest, WithoutCompressionNoDictionaryIsTrained) {
  ASSERT_OK(core_->Change({.compression_level = 0}));
  EXPECT_EQ(core_->TrainNow().status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace larder
