// What the cache knows of its entries' popularity: in their rows, and beside them.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cache_core.h"
#include "eviction_policy.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "record.h"
#include "saved_policy.h"
#include "small_file.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

class CachePopularityTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.log = [this](LogLevel, std::string_view line) { log_.emplace_back(line); };
    Open();
  }
  void Open() {
    cache_.reset();
    log_.clear();
    Result<std::unique_ptr<Cache>> cache = OpenCache(options_, {.threads = false});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  std::string SavedFile() const { return options_.directory + "/popularity"; }

  // As it is written in the row, of a cache that is closed.
  Popularity OfRow(const std::string& key) {
    cache_.reset();
    Result<std::unique_ptr<Store>> store = Store::Open({.path = options_.directory + "/store"});
    EXPECT_TRUE(store.ok());
    PinnedRow row;
    RecordView record;
    EXPECT_EQ((*store)->Get(key, row), ReadOutcome::kFound);
    EXPECT_EQ(DecodeRecord(key, row.bytes(), record), RecordState::kOk);
    return record.popularity;
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Options options_;
  std::vector<std::string> log_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CachePopularityTest, ARowIsStampedWithTheHitsAndStoresSoFar) {
  ASSERT_OK(cache_->Put("a", "body"));
  for (int i = 0; i < 5; ++i) cache_->Get("a");
  cache_->Get("absent");
  ASSERT_OK(cache_->Put("b", "body"));
  EXPECT_EQ(OfRow("b").stamp, 6u);
}

TEST_F(CachePopularityTest, AnEntryWrittenAnewKeepsItsCountAndAnInvalidatedOneToo) {
  for (int i = 0; i < 4; ++i) ASSERT_OK(cache_->Put("k", "body"));
  ASSERT_OK(cache_->Invalidate({.all = true}));
  const std::vector<PutRequest> batch = {{.key = "k", .body = "body"}};
  cache_->MultiPut(batch);
  EXPECT_NEAR(CountOf(OfRow("k").count), 5, 1);
}

TEST_F(CachePopularityTest, HitsSinceTheLastSweepSurviveARestart) {
  ASSERT_OK(cache_->Put("k", "body"));
  for (int i = 0; i < 9; ++i) cache_->Get("k");
  cache_.reset();
  const Result<std::string> saved = ReadSmallFile(SavedFile(), 1 << 20);
  ASSERT_OK(saved);
  EvictionPolicy policy(100'000);
  ASSERT_OK(policy.Load(testing::SourceOf(*saved)));
  EvictionPolicy::Sweep sweep = policy.BeginSweep({.clock = 10});
  const auto kept = sweep.Judge({.hash = HotTier::HashKey("k"), .bytes = 100, .cost = 1}, {});
  ASSERT_TRUE(kept.has_value());
  EXPECT_NEAR(CountOf(kept->count), 10, 1);
  Open();
  cache_.reset();
  EXPECT_EQ(*ReadSmallFile(SavedFile(), 1 << 20), *saved);
  EXPECT_EQ(log_, std::vector<std::string>{});
}

TEST_F(CachePopularityTest, ADamagedFileIsSaidSoAndDoesNotMatter) {
  ASSERT_OK(cache_->Put("k", "body"));
  cache_.reset();
  std::fstream file(SavedFile(), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(100);
  file.put('!');
  file.close();
  Open();
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_NE(log_[0].find("does not verify"), std::string::npos);
  EXPECT_TRUE(cache_->Get("k").has_value());
}

}  // namespace
}  // namespace larder
