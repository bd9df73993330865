// P1, P7 with many threads: each read of a random history is one that the promises allow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "history_run.h"

namespace larder::testing {
namespace {

using ::testing::IsEmpty;

TEST(HistoryTest, NoReadOfAnyThreadIsStale) {
  constexpr std::uint64_t kSeeds = 16;
  std::uint64_t reads = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const HistoryVerdict verdict = RunHistory({.seed = seed});
    ASSERT_THAT(verdict.findings, IsEmpty()) << "seed " << seed;
    reads += verdict.reads;
  }
  EXPECT_GT(reads, kSeeds * 100);
}

// The check itself, of prefixes.
TEST(HistoryTest, AReadAfterItsPrefixWasInvalidatedIsFound) {
  for (const std::string prefix : {"k", "key", "key 1"}) {
    ThreadHistory thread;
    thread.computations.push_back({.id = 1,
                                   .key = "key 1",
                                   .began = {.call = 1, .end = 2},
                                   .ended = {.call = 1, .end = 2},
                                   .stored = true});
    thread.coverings.push_back({.span = {.call = 3, .end = 4}, .prefix = prefix});
    thread.reads.push_back({.span = {.call = 5, .end = 6}, .key = "key 1", .id = 1});
    EXPECT_EQ(CheckHistory({thread}).findings.size(), 1u) << prefix;
    thread.coverings.back().prefix = "key 2";
    EXPECT_THAT(CheckHistory({thread}).findings, IsEmpty());
  }
}

// The check itself: two reads that are stale, one that may be.
TEST(HistoryTest, AStaleReadInAHistoryIsFound) {
  ThreadHistory thread;
  thread.computations.push_back({.id = 1,
                                 .key = "k",
                                 .tags = {"t"},
                                 .began = {.call = 1, .end = 2},
                                 .ended = {.call = 9, .end = 10},
                                 .stored = true});
  thread.coverings.push_back({.span = {.call = 3, .end = 6}, .tags = {"t"}});
  thread.reads.push_back({.span = {.call = 5, .end = 11}, .key = "k", .id = 1});
  EXPECT_THAT(CheckHistory({thread}).findings, IsEmpty()) << "it began before the acknowledgement";
  thread.reads.push_back({.span = {.call = 7, .end = 12}, .key = "k", .id = 1});
  EXPECT_EQ(CheckHistory({thread}).findings.size(), 1u);
  thread.coverings.push_back({.span = {.call = 13, .end = 14}, .key = "k"});
  thread.reads.push_back({.span = {.call = 15, .end = 16}, .key = "k", .id = 1});
  EXPECT_EQ(CheckHistory({thread}).findings.size(), 2u);
}

}  // namespace
}  // namespace larder::testing
