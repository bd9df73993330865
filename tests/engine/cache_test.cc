// Every behaviour promised in cache.h, in every configuration.
#include "larder/cache.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "cache_fixture.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::CacheTest;
using testing::ConfigName;
using testing::HasCode;
using testing::kConfigurations;

TEST_P(CacheTest, WhatIsPutIsThereAlsoAfterReopening) {
  const std::string body(5000, 'b');
  ASSERT_OK(Put("k", body));
  EXPECT_EQ(Get("k"), body);
  Reopen();
  EXPECT_EQ(Get("k"), body);
  EXPECT_EQ(Get("other"), "MISS");
}

TEST_P(CacheTest, EntryKeepsWhatItsWriterSaid) {
  const WriteOptions options{.ttl = 60s,
                             .stale_if_error = 10s,
                             .tags = {"a", "b"},
                             .cost_microusd = 42,
                             .compute_time = 1830ms,
                             .metadata = "meta"};
  ASSERT_OK(Put("k", "body", options));
  Reopen();
  const std::optional<Hit> hit = cache_->Get("k");
  ASSERT_TRUE(hit.has_value());
  const Entry& entry = hit->entry;
  EXPECT_EQ(entry.metadata(), "meta");
  EXPECT_EQ(entry.tags(), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(entry.cost_microusd(), 42u);
  EXPECT_EQ(entry.compute_time(), 1830ms);
  EXPECT_EQ(entry.fresh_until() - entry.created(), 60s);
  EXPECT_EQ(entry.expires() - entry.fresh_until(), 10s);
  EXPECT_GT(entry.stored_bytes(), 0u);
}

TEST_P(CacheTest, EmptyBodyIsAnEntry) {
  ASSERT_OK(Put("k", ""));
  ASSERT_TRUE(cache_->Get("k").has_value());
  Reopen();
  ASSERT_TRUE(cache_->Get("k").has_value());
  EXPECT_EQ(Get("k"), "");
}

TEST_P(CacheTest, EntryExpiresExactlyAtItsTtl) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  clock_.Advance(59'999ms);
  EXPECT_EQ(Get("k"), "v");
  clock_.Advance(1ms);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, ExpiryGoesOnWhileTheCacheIsClosed) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  cache_.reset();
  clock_.Advance(61s);
  Open();
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, ExpiryGoesOnAcrossABoot) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  cache_.reset();
  clock_.Reboot(61s);
  Open();
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, SettingTheWallBackLengthensNoLife) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  clock_.StepWall(-1h);
  clock_.Advance(60s);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, SettingTheWallForthAndBackLengthensNoLife) {
  clock_.StepWall(24h);
  clock_.Advance(2s);
  ASSERT_OK(Put("k", "v", {.ttl = 60s}));
  clock_.StepWall(-24h);
  clock_.Advance(61s);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, ComputeTimeOfAnyLengthIsReadable) {
  ASSERT_OK(Put("k", "v", {.compute_time = kForever}));
  Reopen();
  EXPECT_EQ(Get("k"), "v");
}

TEST_P(CacheTest, EntryWithoutExpiryStays) {
  ASSERT_OK(Put("k", "v", {.ttl = kForever}));
  clock_.Advance(24h * 365 * 50);
  EXPECT_EQ(Get("k"), "v");
}

TEST_P(CacheTest, TtlOfZeroIsNotStored) {
  Result<PutOutcome> outcome = cache_->Put("k", "v", {.ttl = 0s});
  ASSERT_OK(outcome);
  EXPECT_EQ(*outcome, PutOutcome::kNotStored);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, StaleEntryIsServedOnlyToWhoAcceptsIt) {
  ASSERT_OK(Put("k", "v", {.ttl = 60s, .stale_while_revalidate = 30s}));
  clock_.Advance(70s);
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_EQ(Get("k", {.max_stale = 10s}), "MISS");
  const std::optional<Hit> hit = cache_->Get("k", {.max_stale = 11s});
  ASSERT_TRUE(hit.has_value());
  EXPECT_TRUE(hit->stale);
  clock_.Advance(20s);  // hard expiry
  EXPECT_EQ(Get("k", {.max_stale = kForever}), "MISS");
}

TEST_P(CacheTest, MaxAgeAndNewerThanPassOverWhatIsThere) {
  ASSERT_OK(Put("k", "v"));
  const std::uint64_t number = cache_->Get("k")->entry.number();
  clock_.Advance(10s);
  EXPECT_EQ(Get("k", {.max_age = 10s}), "v");
  EXPECT_EQ(Get("k", {.max_age = 9999ms}), "MISS");
  EXPECT_EQ(Get("k", {.newer_than = number - 1}), "v");
  EXPECT_EQ(Get("k", {.newer_than = number}), "MISS");
  EXPECT_EQ(Get("k", {.newer_than = kRefresh}), "MISS");
}

TEST_P(CacheTest, JitterOnlyShortensTheDefaultTtl) {
  cache_.reset();
  options_.ttl_jitter = 0.5;
  options_.default_ttl = 1000s;
  Open();
  ASSERT_OK(Put("k", "v"));
  ASSERT_OK(Put("given", "v", {.ttl = 1000s}));
  const auto lifetime = [this](std::string_view key) {
    const Entry entry = cache_->Get(key)->entry;
    return entry.fresh_until() - entry.created();
  };
  EXPECT_LT(lifetime("k"), 1000s);
  EXPECT_GE(lifetime("k"), 500s);
  EXPECT_EQ(lifetime("given"), 1000s);
  const auto before = lifetime("k");
  ASSERT_OK(Put("k", "again"));
  EXPECT_EQ(lifetime("k"), before) << "a function of the key";
}

TEST_P(CacheTest, InvalidatingATagCoversItsEntriesOnly) {
  ASSERT_OK(Put("ab", "1", {.tags = {"a", "b"}}));
  ASSERT_OK(Put("b", "2", {.tags = {"b"}}));
  ASSERT_OK(Put("none", "3"));
  ASSERT_OK(InvalidateTag("a"));
  EXPECT_EQ(Get("ab"), "MISS");
  EXPECT_EQ(Get("b"), "2");
  EXPECT_EQ(Get("none"), "3");
  Reopen();
  EXPECT_EQ(Get("ab"), "MISS");
  EXPECT_EQ(Get("b"), "2");
  ASSERT_OK(Put("ab", "new", {.tags = {"a"}}));
  EXPECT_EQ(Get("ab"), "new");
}

TEST_P(CacheTest, InvalidatingAllCoversEverythingSoFar) {
  ASSERT_OK(Put("a", "1"));
  ASSERT_OK(cache_->Invalidate({.all = true}));
  EXPECT_EQ(Get("a"), "MISS");
  ASSERT_OK(Put("a", "2"));
  EXPECT_EQ(Get("a"), "2");
  Reopen();
  EXPECT_EQ(Get("a"), "2");
}

TEST_P(CacheTest, TagsOfTheReadCountToo) {
  ASSERT_OK(Put("k", "v"));
  EXPECT_EQ(Get("k", {.tags = {"mine"}}), "v");
  ASSERT_OK(InvalidateTag("mine"));
  EXPECT_EQ(Get("k", {.tags = {"mine"}}), "MISS");
  EXPECT_EQ(Get("k"), "v");
}

TEST_P(CacheTest, RemovedKeyIsAMissUntilWrittenAnew) {
  ASSERT_OK(Put("k", "v"));
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_EQ(Get("k"), "MISS");
  Reopen();
  EXPECT_EQ(Get("k"), "MISS");
  ASSERT_OK(Put("k", "w"));
  EXPECT_EQ(Get("k"), "w");
  EXPECT_OK(cache_->Remove("never there"));
}

TEST_P(CacheTest, SlowWriterCannotBringBackWhatWasRemoved) {
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(cache_->Remove("k"));
  const Committed committed = std::get<Lease>(slow).Commit("old", {});
  EXPECT_EQ(committed.outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(committed.entry.body(), "old") << "its caller still gets it";
  EXPECT_EQ(Get("k"), "MISS");
  Reopen();
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, SlowWriterCannotBringBackWhatWasRemovedAndReaped) {
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(cache_->Remove("k"));
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(std::get<Lease>(slow).Commit("old", {}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k"), "MISS");
}

// The removal's tombstone was overwritten, and what overwrote it was reaped.
TEST_P(CacheTest, SlowWriterCannotBringBackWhatWasRemovedWrittenAnewAndReaped) {
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(cache_->Remove("k"));
  ASSERT_OK(Put("k", "new", {.ttl = 1s}));
  clock_.Advance(2s);
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(std::get<Lease>(slow).Commit("old", {}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k"), "MISS");
}

// A reader that read the old row while the removal was being synced must not put it into memory
// after the removal is acknowledged.
TEST_P(CacheTest, ReadersBesideARemovalDoNotBringBackWhatTheyRead) {
  constexpr int kRounds = 60;
  constexpr int kReaders = 3;
  const std::string body(200'000, 'b');
  std::array<std::atomic<std::uint64_t>, kReaders> reads{};
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (auto& count : reads) {
    readers.emplace_back([this, &count, &done] {
      while (!done) {
        static_cast<void>(cache_->Get("k"));
        ++count;
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_OK(Put("k", body));
    ASSERT_OK(cache_->Remove("k"));
    for (auto& count : reads) {  // all reads that overlapped are over
      const std::uint64_t before = count;
      while (count < before + 2) std::this_thread::yield();
    }
    EXPECT_EQ(Get("k"), "MISS") << "round " << round;
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

TEST_P(CacheTest, TombstonesGoWithTheLeasesThatNeedThem) {
  {
    Acquired open = cache_->Acquire("k");
    ASSERT_OK(cache_->Remove("k"));
    ASSERT_OK(cache_->Compact());
    EXPECT_EQ(cache_->GetStats().entries, 1u);
  }
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(cache_->GetStats().entries, 0u);
}

TEST_P(CacheTest, SlowWriterCannotBringBackWhatWasInvalidated) {
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(std::get<Lease>(slow).Commit("old", {.tags = {"t"}}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, SlowWriterDoesNotReplaceANewerValue) {
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(Put("k", "newer"));
  EXPECT_EQ(std::get<Lease>(slow).Commit("older", {}).outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k"), "newer");
}

TEST_P(CacheTest, CompactionKeepsWhatIsLiveAndDropsTheRest) {
  for (int i = 0; i < 200; ++i) {
    const std::string key = "k" + std::to_string(i);
    const bool dies = i % 2 == 0;
    ASSERT_OK(
        Put(key, std::string(3000, 'x'),
            {.ttl = dies ? Duration(1s) : kForever, .tags = {i % 5 == 0 ? "gone" : "stays"}}));
  }
  ASSERT_OK(cache_->Remove("k1"));
  ASSERT_OK(InvalidateTag("gone"));
  clock_.Advance(10s);
  ASSERT_OK(cache_->Compact());
  for (int i = 0; i < 200; ++i) {
    const bool lives = i % 2 != 0 && i % 5 != 0 && i != 1;
    EXPECT_EQ(Get("k" + std::to_string(i)) != "MISS", lives) << i;
  }
  EXPECT_EQ(cache_->GetStats().entries, 79u);
  EXPECT_GT(cache_->GetStats().expired, 0u);
}

TEST_P(CacheTest, BadArgumentsAreRefusedWithTheirValueAndLimit) {
  EXPECT_THAT(Put("", "v"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put(std::string(1025, 'k'), "v"), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put("k", "v", {.tags = {""}}), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put("k", "v", {.tags = std::vector<std::string>(kMaxTags + 1, "t")}),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put("k", "v", {.metadata = std::string(4097, 'm')}),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Put("k", "v", {.ttl = -1s}), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->Remove(""), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->Invalidate({}), HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(Get(std::string(1025, 'k')), "MISS");
  EXPECT_EQ(Put("k", "v", {.metadata = std::string(4097, 'm')}).message(),
            "metadata of 4097 bytes is over 4096");
}

TEST_P(CacheTest, BodyOverTheLimitIsHandedOverButNotStored) {
  cache_.reset();
  options_.max_body_bytes = 1000;
  Open();
  EXPECT_THAT(Put("k", std::string(1001, 'b')), HasCode(StatusCode::kResourceExhausted));
  Acquired acquired = cache_->Acquire("k");
  const Committed committed = std::get<Lease>(acquired).Commit(std::string(1001, 'b'), {});
  EXPECT_EQ(committed.outcome, PutOutcome::kNotStored);
  EXPECT_EQ(committed.entry.body().size(), 1001u);
  EXPECT_EQ(Get("k"), "MISS");
}

TEST_P(CacheTest, StatisticsCountWhatHappenedAlsoAcrossReopening) {
  ASSERT_OK(Put("k", std::string(1000, 'b'), {.cost_microusd = 7, .compute_time = 20ms}));
  Get("k");
  Get("k");
  Get("absent");
  Reopen();
  Get("k");
  const Stats stats = cache_->GetStats();
  EXPECT_EQ(stats.stores, 1u);
  EXPECT_EQ(stats.hits, 3u);
  EXPECT_EQ(stats.misses, 1u);
  EXPECT_EQ(stats.misses_absent, 1u);
  EXPECT_EQ(stats.microusd_saved, 21u);
  EXPECT_EQ(stats.ms_saved, 60u);
  EXPECT_EQ(stats.raw_bytes, 1000u);
  EXPECT_GT(stats.disk_bytes, 0u);
}

TEST_P(CacheTest, EntryOutlivesTheCache) {
  ASSERT_OK(Put("k", "body"));
  const Entry entry = cache_->Get("k")->entry;
  cache_.reset();
  EXPECT_EQ(entry.body(), "body");
}

TEST_P(CacheTest, ClosedCacheIsAllMissesAndRefusals) {
  ASSERT_OK(Put("k", "v"));
  ASSERT_OK(cache_->Close());
  ASSERT_OK(cache_->Close());
  EXPECT_EQ(Get("k"), "MISS");
  EXPECT_FALSE(cache_->GetInMemory("k").has_value());
  EXPECT_THAT(Put("k", "v"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Remove("k"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(InvalidateTag("t"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Sync(), HasCode(StatusCode::kUnavailable));
  Acquired acquired = cache_->Acquire("k");
  EXPECT_EQ(std::get<Lease>(acquired).Commit("v", {}).status.code(), StatusCode::kUnavailable);
}

TEST_P(CacheTest, DirectoryIsHeldByOneCacheAtATime) {
  EXPECT_THAT(Cache::Open(options_), HasCode(StatusCode::kUnavailable));
  ASSERT_OK(cache_->Close());
  EXPECT_OK(Cache::Open(options_));
}

TEST_P(CacheTest, SecretIsKeptWithTheStoreAndPrivate) {
  const std::string secret(cache_->StoreSecret());
  EXPECT_EQ(secret.size(), 32u);
  Reopen();
  EXPECT_EQ(cache_->StoreSecret(), secret);
  const auto mode = std::filesystem::status(dir_ / "cache/state").permissions();
  EXPECT_EQ(static_cast<unsigned>(mode) & 0777u, 0600u);
}

TEST_P(CacheTest, RowsArePrivateAlsoInADirectoryThatIsNot) {
  const auto mode = std::filesystem::status(dir_ / "cache/store").permissions();
  EXPECT_EQ(static_cast<unsigned>(mode) & 0777u, 0700u);
}

TEST_P(CacheTest, NothingIsWrongWithAFirstOpening) {
  std::vector<std::string> lines;
  options_.directory = dir_ / "first";
  options_.log = [&lines](LogLevel level, std::string_view line) {
    if (level >= LogLevel::kWarning) lines.emplace_back(line);
  };
  ASSERT_OK(Cache::Open(options_));
  EXPECT_EQ(lines, std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(Configurations, CacheTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder
