// The ledger under many threads. Run under ThreadSanitizer too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "ledger_fixture.h"

namespace larder {
namespace {

using testing::InvalidateTags;
using ::testing::IsEmpty;
using testing::LedgerTest;

// Each thread invalidates its own tags; what it was told must hold for it at once, and for all
// after a restart.
TEST_F(LedgerTest, ConcurrentInvalidationsShareSyncsAndAreAllKept) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 200;
  std::vector<std::uint64_t> latest(kThreads);
  const std::uint64_t syncs = files_.syncs();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<TagHash> tag = {static_cast<TagHash>(t)};
      for (int i = 0; i < kRounds; ++i) {
        const std::uint64_t lease = ledger_->Next();
        const std::uint64_t generation = ledger_->Generation();
        const Result<std::uint64_t> number = InvalidateTags(*ledger_, tag);
        ASSERT_OK(number);
        EXPECT_NE(ledger_->Generation(), generation);
        EXPECT_GT(*number, lease);
        EXPECT_FALSE(ledger_->Holds({}, lease, tag));
        EXPECT_TRUE(ledger_->Holds({}, ledger_->Next(), tag));
        latest[t] = *number;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(files_.syncs() - syncs, kThreads * kRounds + 200U);
  files_.LosePower();
  Reopen();
  EXPECT_THAT(errors_, IsEmpty());
  for (int t = 0; t < kThreads; ++t) {
    const std::vector<TagHash> tag = {static_cast<TagHash>(t)};
    EXPECT_FALSE(ledger_->Holds({}, latest[t], tag));
    EXPECT_TRUE(ledger_->Holds({}, latest[t] + 1, tag));
  }
}

// While one sync runs, all who come wait for one more, not for one each.
TEST_F(LedgerTest, ASyncIsSharedByAllWhoCameDuringTheLast) {
  constexpr int kThreads = 8;
  std::atomic<int> syncs{0};
  std::atomic<int> waiting{0};
  files_.OnSync([&] {
    // The first sync lasts until the others have come as far as they can without it.
    if (syncs.fetch_add(1) > 0) return;
    while (waiting.load() < kThreads || ledger_->tag_count() < kThreads + 1) {
      std::this_thread::yield();
    }
    for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  });
  std::vector<std::thread> threads;
  threads.emplace_back([&] { Invalidate({100}); });
  while (syncs.load() == 0) std::this_thread::yield();
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      waiting.fetch_add(1);
      Invalidate({static_cast<TagHash>(t)});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(syncs.load(), 1 + kThreads / 2);
  files_.OnSync(nullptr);
}

// An invalidation of two tags happens at one instant: who saw one of them go does not see the
// other hold, nor gets a number that is covered.
TEST_F(LedgerTest, AnInvalidationOfManyTagsHappensAtOneInstant) {
  const std::vector<TagHash> tags = {1, 2, 3, 4, 5, 6, 7, 8};
  std::atomic<std::uint64_t> lease{ledger_->Next()};
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&, r] {
      std::mt19937 random(r);
      while (!stop.load()) {
        const std::uint64_t number = lease.load();
        const std::vector<TagHash> one = {1 + random() % 8};
        const std::vector<TagHash> other = {1 + random() % 8};
        if (ledger_->Holds({}, number, one)) continue;
        EXPECT_FALSE(ledger_->Holds({}, number, other));
      }
    });
  }
  // Two invalidators at a time, so that instants can come close.
  std::thread second([&] {
    while (!stop.load()) {
      const Result<std::uint64_t> number = InvalidateTags(*ledger_, tags);
      EXPECT_OK(number);
    }
  });
  for (int i = 0; i < 2000; ++i) {
    lease.store(ledger_->Next());
    EXPECT_OK(InvalidateTags(*ledger_, tags));
  }
  stop.store(true);
  second.join();
  for (std::thread& reader : readers) reader.join();
}

// The hot tier's shortcut: a yes, kept with the generation read before it, stands for as long as
// the generation does. Nobody may see a covered entry through it once the invalidation returned.
TEST_F(LedgerTest, AYesRememberedByGenerationIsNeverStale) {
  constexpr TagHash kTag = 9;
  const std::vector<TagHash> tags = {kTag};
  std::atomic<std::uint64_t> entry{ledger_->Next()};
  std::atomic<std::uint64_t> covered{0};  // the greatest number known to be invalidated
  std::atomic<bool> stop{false};
  struct Yes {
    std::atomic<std::uint64_t> number{0};
    std::atomic<std::uint64_t> generation{0};
  };
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r) {
    readers.emplace_back([&] {
      std::uint64_t yes_number = 0;
      std::uint64_t yes_generation = 0;
      while (!stop.load()) {
        const std::uint64_t gone = covered.load();
        const std::uint64_t number = entry.load();
        const std::uint64_t generation = ledger_->Generation();
        bool holds = yes_number == number && yes_generation == generation;
        if (!holds && ledger_->Holds({}, number, tags)) {
          holds = true;
          yes_number = number;
          yes_generation = generation;
        }
        EXPECT_TRUE(!holds || number > gone);
      }
    });
  }
  std::thread noise([&] {
    while (!stop.load()) EXPECT_OK(InvalidateTags(*ledger_, std::vector<TagHash>{1, 2}));
  });
  for (int i = 0; i < 2000; ++i) {
    const Result<std::uint64_t> number = InvalidateTags(*ledger_, tags);
    ASSERT_OK(number);
    covered.store(*number);
    entry.store(ledger_->Next());
  }
  stop.store(true);
  noise.join();
  for (std::thread& reader : readers) reader.join();
}

// Readers of a table that overflows all the time: a tag just raised never seems to hold.
TEST_F(LedgerTest, OverflowNeverLetsAReaderMissAnInvalidation) {
  options_.max_tags = 32;
  Reopen();
  std::atomic<bool> stop{false};
  std::thread filler([&] {
    for (TagHash tag = 1000; !stop.load(); ++tag) {
      EXPECT_OK(InvalidateTags(*ledger_, std::vector<TagHash>{tag}));
    }
  });
  for (TagHash tag = 0; tag < 3000; ++tag) {
    const std::vector<TagHash> tags = {tag % 500};
    const std::uint64_t lease = ledger_->Next();
    ASSERT_OK(InvalidateTags(*ledger_, tags));
    for (int i = 0; i < 20; ++i) ASSERT_FALSE(ledger_->Holds({}, lease, tags));
  }
  stop.store(true);
  filler.join();
}

}  // namespace
}  // namespace larder
