// P3: the directory stays within max_disk_bytes, and what goes is what is worth least.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cache_core.h"
#include "directory_size.h"
#include "du_sampler.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "larder/observer.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::DuSampler;
constexpr std::uint64_t kBudget = std::uint64_t{256} << 20;

// The sanitizers keep memory of their own, and what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::string Noise(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string noise(bytes, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

class Evictions final : public Observer {
 public:
  void OnEvicted(const Evicted& evicted) override {
    const std::lock_guard lock(mutex_);
    keys_.emplace(evicted.key);
  }
  std::set<std::string> keys() const {
    const std::lock_guard lock(mutex_);
    return keys_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> keys_;
};

class CacheSpaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.max_disk_bytes = kBudget;
    options_.max_memory_bytes = std::uint64_t{64} << 20;
    options_.compression.level = 0;
    options_.observer = &evictions_;
    Open();
  }
  void Open() {
    cache_.reset();
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  // Goes on until the value is taken.
  void Put(const std::string& key, std::size_t bytes, std::uint64_t cost = 1) {
    const std::string_view body = std::string_view(noise_).substr(key.size() * 97 % 4096, bytes);
    while (true) {
      const Result<PutOutcome> outcome = cache_->Put(key, body, {.cost_microusd = cost});
      if (outcome.ok()) return;
      // kUnavailable: on a busy machine a write may take so long that the disk seems to hang.
      ASSERT_TRUE(outcome.status().code() == StatusCode::kResourceExhausted ||
                  outcome.status().code() == StatusCode::kUnavailable)
          << outcome.status().ToString();
      // Not at once: who asks all the time keeps a core from the merges that it waits for.
      std::this_thread::sleep_for(1ms);
    }
  }

  const std::string noise_ = Noise((std::size_t{4} << 20) + 4096, 7);
  testing::TempDir dir_;
  Evictions evictions_;
  Options options_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(CacheSpaceTest, FourTimesTheBudgetOfMixedSizesNeverExceedsIt) {
  DuSampler sampler(options_.directory);
  // ThreadSanitizer takes RocksDB's log buffer, which two writers hand over, for a race in every
  // eight bytes, and thinks about each.
  constexpr int kThreads = kSanitized ? 1 : 2;
  constexpr std::uint64_t kTimes = kSanitized ? 2 : 4;
  std::vector<std::thread> writers;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([this, t] {
      std::mt19937_64 random(static_cast<std::uint64_t>(t) + 1);
      std::uint64_t written = 0;
      while (written < kTimes * kBudget / kThreads) {
        // From 100 B to 4 MiB, as many of each order of magnitude.
        const double scale = std::exp2(static_cast<double>(random() % 1536) / 100.0);
        const auto bytes = static_cast<std::size_t>(100 * scale);
        Put("key " + std::to_string(random() % 200'000), bytes);
        written += bytes;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_LE(sampler.Stop(), kBudget);
  if (!kSanitized) {
    EXPECT_LE(sampler.most_resident(), options_.max_memory_bytes + (std::uint64_t{64} << 20));
  }
  const Stats stats = cache_->GetStats();
  EXPECT_GT(stats.evicted_bytes, kBudget / 2);
  EXPECT_GT(stats.disk_bytes, kBudget / 2) << "what fits is kept";
  cache_.reset();
  EXPECT_LE(DirectorySize(options_.directory), kBudget);
}

TEST_F(CacheSpaceTest, TheDearStayAndTheCheapGoAndAreKnownToHaveGone) {
  // Twice the budget, every tenth a hundred times as dear.
  constexpr int kEntries = 60'000;
  for (int i = 0; i < kEntries; ++i) Put(std::to_string(i * 7919), 8000, i % 10 == 0 ? 100 : 1);
  int dear = 0;
  int cheap = 0;
  std::string gone;
  for (int i = 0; i < kEntries; ++i) {
    const std::string key = std::to_string(i * 7919);
    const bool here = cache_->Peek(key).has_value();
    if (i % 10 == 0) dear += here ? 1 : 0;
    if (i % 10 != 0) cheap += here ? 1 : 0;
    if (!here && cache_->Explain(key).why == Why::kEvicted) gone = key;
  }
  EXPECT_GT(dear, kEntries / 10 * 8 / 10);
  EXPECT_LT(cheap, kEntries * 9 / 10 / 2);
  ASSERT_FALSE(gone.empty());
  EXPECT_TRUE(evictions_.keys().contains(gone));
  EXPECT_NE(cache_->Explain(gone).ToString().find("evicted"), std::string::npos);
  EXPECT_GE(cache_->GetStats().evicted, evictions_.keys().size());
}

// What is evicted while a lease is open and is newer than it leaves a tombstone. So that these do
// not fill the disk, they are kept for no lease that a 16,384th of the budget have overtaken, and
// that may not write any more: it might bring back what they stood for.
TEST_F(CacheSpaceTest, ALeaseThatVeryManyHaveOvertakenAnswersButWritesNoMore) {
  Lease overtaken = std::get<Lease>(cache_->Acquire("overtaken"));
  for (int i = 0; i < 50'000; ++i) Put(std::to_string(i * 7919), 8000);
  ASSERT_GT(cache_->GetStats().evicted, 0u);
  Lease recent = std::get<Lease>(cache_->Acquire("recent"));
  std::string followed;
  overtaken.Follow().OnEnd([&](const FlightEnd& end) { followed = end.entry->body(); });
  const Committed committed = overtaken.Commit("v");
  EXPECT_EQ(committed.outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(committed.entry.body(), "v");
  EXPECT_EQ(followed, "v");
  EXPECT_FALSE(cache_->Get("overtaken").has_value());
  // Not for want of room, or because it is a lease.
  EXPECT_NE(recent.Commit("v").outcome, PutOutcome::kSuperseded);
}

TEST_F(CacheSpaceTest, UnderALargeBudgetNothingIsEvicted) {
  options_.max_disk_bytes = std::uint64_t{10} << 30;
  Open();
  for (int i = 0; i < 40'000; ++i) Put(std::to_string(i), 8000);
  ASSERT_OK(cache_->Compact());
  EXPECT_EQ(cache_->GetStats().evicted, 0u);
  EXPECT_EQ(cache_->GetStats().space_pressure, 0u);
}

TEST_F(CacheSpaceTest, ARowThatNoMergeHasRoomForIsRefused) {
  const std::string large = Noise((kBudget / 32) + 1000, 1);
  EXPECT_THAT(cache_->Put("k", large), testing::HasCode(StatusCode::kResourceExhausted));
  EXPECT_EQ(cache_->GetStats().refused, 1u);
}

TEST_F(CacheSpaceTest, TheBudgetShrinksAndGrowsWhileTheCacheIsInUse) {
  ASSERT_OK(cache_->Change({.max_disk_bytes = 2 * kBudget}));
  for (int i = 0; i < 42'000; ++i) Put(std::to_string(i * 7919), 8000, i % 10 == 0 ? 100 : 1);
  ASSERT_GT(DirectorySize(options_.directory), kBudget * 5 / 4);
  EXPECT_EQ(cache_->GetStats().evicted, 0u);
  ASSERT_OK(cache_->Change({.max_disk_bytes = kBudget}));
  while (DirectorySize(options_.directory) > kBudget) std::this_thread::sleep_for(5ms);
  int dear = 0;
  for (int i = 0; i < 42'000; i += 10) dear += cache_->Peek(std::to_string(i * 7919)) ? 1 : 0;
  EXPECT_GT(dear, 4200 * 8 / 10);
  EXPECT_THAT(cache_->Change({.max_disk_bytes = 5, .default_ttl = 7s}),
              testing::HasCode(StatusCode::kInvalidArgument));
  Put("still the old one", 10);
  EXPECT_EQ(cache_->Get("still the old one")->entry.fresh_until() -
                cache_->Get("still the old one")->entry.created(),
            24h);
  ASSERT_OK(cache_->Change({.default_ttl = 7s, .stale_if_error = 3s}));
  Put("k", 10);
  const Entry entry = cache_->Get("k")->entry;
  EXPECT_EQ(entry.fresh_until() - entry.created(), 7s);
  EXPECT_EQ(entry.stale_if_error(), 3s);
}

TEST_F(CacheSpaceTest, CompactingAFullCacheEvictsNothing) {
  for (int i = 0; i < 20'000; ++i) Put(std::to_string(i * 7919), 8000);
  const std::uint64_t evicted = cache_->GetStats().evicted;
  DuSampler sampler(options_.directory);
  std::vector<std::uint64_t> done;
  ASSERT_OK(cache_->Compact([&](const CompactStep& step) {
    done.push_back(step.done_bytes);
    EXPECT_LE(step.done_bytes, step.total_bytes);
  }));
  EXPECT_LE(sampler.Stop(), kBudget);
  EXPECT_EQ(cache_->GetStats().evicted, evicted);
  EXPECT_GT(done.size(), 10u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

// What lies over all of the last level has no room to be merged into it at once.
TEST_F(CacheSpaceTest, CompactingAgainAfterAFewPutsGoesInPieces) {
  for (int i = 0; i < 20'000; ++i) Put(std::to_string(i * 7919), 8000);
  ASSERT_OK(cache_->Compact());
  for (int i = 0; i < 200; ++i) Put(std::to_string(i * 791'900), 800);
  const std::uint64_t evicted = cache_->GetStats().evicted;
  DuSampler sampler(options_.directory);
  EXPECT_OK(cache_->Compact());
  EXPECT_LE(sampler.Stop(), kBudget);
  EXPECT_EQ(cache_->GetStats().evicted, evicted);
}

TEST_F(CacheSpaceTest, CompactingLeavesNothingOfWhatIsRemoved) {
  for (int i = 0; i < 10'000; ++i) Put(std::to_string(i * 7919), 8000);
  ASSERT_OK(cache_->Compact());  // all in the last level
  for (int i = 0; i < 3000; ++i) Put("more " + std::to_string(i * 7919), 8000);
  ASSERT_OK(cache_->Sync());
  const std::uint64_t before = DirectorySize(options_.directory + "/store");
  for (int i = 0; i < 10'000; ++i) ASSERT_OK(cache_->Remove(std::to_string(i * 7919)));
  ASSERT_OK(cache_->Compact());
  EXPECT_LT(DirectorySize(options_.directory + "/store"), before / 2);
}

}  // namespace
}  // namespace larder
