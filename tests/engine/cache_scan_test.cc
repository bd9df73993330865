// Scan: which entries come, in what order, in pages of what size.
#include <gmock/gmock.h>

#include <set>
#include <vector>

#include "cache_fixture.h"

namespace larder::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CacheScanTest : public CacheTest {
 protected:
  ScanPage Page(const ScanOptions& options = {}) {
    Result<ScanPage> page = cache_->Scan(options);
    EXPECT_OK(page);
    return page.ok() ? *std::move(page) : ScanPage{};
  }
  // Of all pages.
  std::vector<std::string> Keys(ScanOptions options = {}) {
    std::vector<std::string> keys;
    do {
      const ScanPage page = Page(options);
      for (const ScanItem& item : page.items) keys.push_back(item.key);
      options.cursor = page.cursor;
    } while (!options.cursor.empty());
    return keys;
  }
};

TEST_P(CacheScanTest, EntriesComeInTheOrderOfTheirKeysWithAllThatIsKnownOfThem) {
  ASSERT_OK(Put("b", "body of b", {.tags = {"t"}, .cost_microusd = 7, .metadata = "m"}));
  ASSERT_OK(Put("a", "body of a"));
  const ScanPage page = Page({.bodies = true});
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[0].key, "a");
  EXPECT_EQ(page.items[0].entry.body(), "body of a");
  const ScanItem& b = page.items[1];
  EXPECT_EQ(b.entry.body(), "body of b");
  EXPECT_EQ(b.raw_bytes, 9U);
  EXPECT_EQ(b.entry.cost_microusd(), 7U);
  EXPECT_EQ(b.entry.metadata(), "m");
  EXPECT_THAT(b.entry.tags(), ElementsAre("t"));
  EXPECT_GT(b.entry.stored_bytes(), 9U);
  EXPECT_FALSE(b.stale);
  EXPECT_EQ(page.cursor, "");
  EXPECT_EQ(page.corrupt, 0U);
}

// However small the rows are on disk.
TEST_P(CacheScanTest, SaysAboutHowOftenEachWasHit) {
  ASSERT_OK(Put("often", "1"));
  ASSERT_OK(Put("never", "1"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get("often"), "1");
  for (int i = 0; i < 2; ++i) {
    const ScanPage page = Page();
    ASSERT_EQ(page.items.size(), 2U);
    EXPECT_EQ(page.items[0].hits, 0U);
    EXPECT_EQ(page.items[1].hits, 3U) << "looking is no hit";
  }
}

TEST_P(CacheScanTest, BodiesOfAPageTakeABoundedAmountOfMemory) {
  for (const char* key : {"a", "b", "c"}) ASSERT_OK(Put(key, std::string(40 << 20, *key)));
  EXPECT_EQ(Page({.bodies = true}).items.size(), 2U);
  EXPECT_EQ(Keys({.bodies = true}).size(), 3U);
}

TEST_P(CacheScanTest, BodiesAreLeftOutUnlessAskedFor) {
  ASSERT_OK(Put("k", "the body"));
  const ScanPage page = Page();
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0].entry.body(), "");
  EXPECT_EQ(page.items[0].raw_bytes, 8U);
}

TEST_P(CacheScanTest, WhatIsExpiredInvalidatedOrRemovedDoesNotCome) {
  ASSERT_OK(Put("expired", "v", {.ttl = seconds(1)}));
  ASSERT_OK(Put("invalidated", "v", {.tags = {"t"}}));
  ASSERT_OK(Put("live", "v"));
  ASSERT_OK(Put("removed", "v"));
  clock_.Advance(seconds(1));
  ASSERT_OK(InvalidateTag("t"));
  ASSERT_OK(cache_->Remove("removed"));
  EXPECT_THAT(Keys(), ElementsAre("live"));
  ASSERT_OK(cache_->Invalidate({.all = true}));
  EXPECT_THAT(Keys(), IsEmpty());
}

TEST_P(CacheScanTest, FiltersByPrefixTagAndState) {
  ASSERT_OK(Put("a1", "v", {.tags = {"x"}}));
  ASSERT_OK(Put("a2", "v", {.ttl = seconds(1), .stale_if_error = seconds(60), .tags = {"x", "y"}}));
  ASSERT_OK(Put("b1", "v", {.tags = {"y"}}));
  clock_.Advance(seconds(2));
  EXPECT_THAT(Keys({.prefix = "a"}), ElementsAre("a1", "a2"));
  EXPECT_THAT(Keys({.prefix = "a2x"}), IsEmpty());
  EXPECT_THAT(Keys({.tag = "y"}), ElementsAre("a2", "b1"));
  EXPECT_THAT(Keys({.prefix = "a", .tag = "y"}), ElementsAre("a2"));
  EXPECT_THAT(Keys({.state = ScanState::kFresh}), ElementsAre("a1", "b1"));
  EXPECT_THAT(Keys({.state = ScanState::kStale}), ElementsAre("a2"));
  EXPECT_TRUE(Page({.prefix = "a2"}).items[0].stale);
}

TEST_P(CacheScanTest, PagesOfAnySizeGiveEachEntryOnce) {
  std::set<std::string> all;
  for (int i = 0; i < 57; ++i) {
    all.insert("k" + std::string(1, static_cast<char>(i * 4)) + std::to_string(i));
  }
  for (const std::string& key : all) ASSERT_OK(Put(key, "v"));
  const std::vector<std::string> expected(all.begin(), all.end());
  for (const std::size_t limit : {1, 2, 7, 56, 57, 58, 1000}) {
    EXPECT_EQ(Keys({.limit = limit}), expected) << limit;
    EXPECT_EQ(Keys({.prefix = "k", .limit = limit}), expected) << limit;
  }
  EXPECT_EQ(Page({.limit = 7}).items.size(), 7U);
}

TEST_P(CacheScanTest, ACallReadsABoundedNumberOfRows) {
  std::vector<std::string> keys;
  for (int i = 0; i < 10'500; ++i) keys.push_back(std::to_string(100'000 + i));
  std::vector<PutRequest> puts;
  for (const std::string& key : keys) puts.push_back({.key = key, .body = "v"});
  for (const auto& put : cache_->MultiPut(puts)) ASSERT_OK(put);
  const ScanPage page = Page({.tag = "none has it"});
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_EQ(page.cursor, keys[9'999]) << "an empty page that is not the last";
  EXPECT_THAT(Keys({.tag = "none has it"}), IsEmpty());
}

TEST_P(CacheScanTest, CountsNothingAndFillsNothing) {
  ASSERT_OK(Put("k", "v"));
  Reopen();
  const Stats before = cache_->GetStats();
  Page({.bodies = true});
  const Stats after = cache_->GetStats();
  EXPECT_EQ(after.hits + after.misses, before.hits + before.misses);
  EXPECT_EQ(after.hot_entries, before.hot_entries);
}

TEST_P(CacheScanTest, OptionsOutOfRangeAreTold) {
  EXPECT_EQ(cache_->Scan({.limit = 0}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(cache_->Scan({.limit = 10'001}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(cache_->Scan({.prefix = std::string(1025, 'p')}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(cache_->Scan({.tag = std::string(kMaxTagBytes + 1, 't')}).status().code(),
            StatusCode::kInvalidArgument);
  ASSERT_OK(cache_->Close());
  EXPECT_EQ(cache_->Scan({}).status().code(), StatusCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(Every, CacheScanTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder::testing
