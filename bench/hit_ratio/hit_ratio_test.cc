// The simulator's own tests, and the short form of its benchmark that has to hold in every build.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "answer_costs.h"
#include "measurement.h"
#include "offline_bound.h"
#include "temp_dir.h"
#include "trace.h"

namespace larder::hit_ratio {
namespace {

Trace Sequence(const std::vector<std::uint32_t>& accesses, std::size_t items) {
  Trace trace;
  trace.accesses = accesses;
  for (std::uint64_t i = 0; i < items; ++i) trace.items.push_back({.hash = i * 7919 + 1});
  return trace;
}

std::string HitsOf(const MakeCache& make, const Trace& trace, std::uint64_t capacity) {
  const auto cache = make(trace.items, capacity);
  std::string hits;
  for (const std::uint32_t item : trace.accesses) hits += cache->Access(item) ? '+' : '-';
  return hits;
}

TEST(SimulatedCacheTest, QueuesKeepWhatTheirRuleSays) {
  const Trace trace = Sequence({0, 1, 2, 0, 3, 0, 1, 2}, 4);
  EXPECT_EQ(HitsOf(MakeFifo, trace, 3), "---+----");
  EXPECT_EQ(HitsOf(MakeLru, trace, 3), "---+-+--");
  EXPECT_EQ(HitsOf(MakeSieve, trace, 3), "---+-+--");
}

TEST(SimulatedCacheTest, GdsfKeepsTheDearAndForgetsInTime) {
  Trace trace = Sequence({0, 1, 2, 3, 0, 4, 0}, 5);
  trace.items[0].cost = 10;
  EXPECT_EQ(HitsOf(MakeGdsf, trace, 2), "----+-+");
}

TEST(SimulatedCacheTest, S3FifoAndTinyLfuKeepThePopularThroughAScan) {
  std::vector<std::uint32_t> accesses;
  for (int round = 0; round < 20; ++round) {
    for (std::uint32_t item = 0; item < 50; ++item) accesses.push_back(item);
  }
  for (std::uint32_t item = 100; item < 1000; ++item) accesses.push_back(item);  // the scan
  const std::size_t before = accesses.size();
  for (std::uint32_t item = 0; item < 50; ++item) accesses.push_back(item);
  const Trace trace = Sequence(accesses, 1000);
  for (const MakeCache& make : {MakeCache(MakeS3Fifo), MakeCache(MakeWTinyLfu), MakeSweep(0.2)}) {
    const std::string after = HitsOf(make, trace, 100).substr(before);
    EXPECT_GT(std::count(after.begin(), after.end(), '+'), 45);
  }
  const std::string lru = HitsOf(MakeLru, trace, 100).substr(before);
  EXPECT_EQ(std::count(lru.begin(), lru.end(), '+'), 0);
}

TEST(SimulatedCacheTest, WhatIsLargerThanTheCacheIsNeverHeld) {
  Trace trace = Sequence({0, 0, 1, 1}, 2);
  trace.items[0].bytes = 11;
  for (const auto& [name, make] : AllPolicies(0.2)) {
    EXPECT_EQ(HitsOf(make, trace, 10), "---+") << name;
  }
}

TEST(OfflineBoundTest, ItIsWhatTheBestUseOfTheRoomSaves) {
  // One place; holding item 1 twice over one step each beats holding item 0 over five.
  EXPECT_DOUBLE_EQ(OfflineBound(Sequence({0, 1, 1, 1, 2, 0}, 3), 1), 2 + 4.0 / 5);
  EXPECT_DOUBLE_EQ(OfflineBound(Sequence({0, 1, 2}, 3), 3), 0);
}

TEST(TraceTest, ColumnsAreReadByName) {
  const testing::TempDir directory;
  const std::string path = directory.path() + "/a.csv";
  std::ofstream(path) << "key,size,ts,miss_cost\nx,10,1,2.5\ny,20,2,1\nx,99,3,9\n";
  const Result<Trace> trace = ReadTrace(path, 100);
  ASSERT_TRUE(trace.ok()) << trace.status().ToString();
  EXPECT_EQ(trace->name, "a");
  EXPECT_EQ(trace->accesses, (std::vector<std::uint32_t>{0, 1, 0}));
  EXPECT_EQ(trace->items[0].bytes, 10u);
  EXPECT_EQ(trace->items[0].cost, 2.5);
  EXPECT_EQ(trace->FootprintBytes(), 30u);
  EXPECT_EQ(ReadTrace(path, 2)->accesses.size(), 2u);
}

TEST(TraceTest, ABadRowIsNamed) {
  const testing::TempDir directory;
  const std::string path = directory.path() + "/a.csv";
  for (const char* row : {"x", "x,", "x,-1", "x,0", "x,1,2", ""}) {
    std::ofstream(path) << "key,size\na,1\n" << row << "\n";
    const Result<Trace> trace = ReadTrace(path, 100);
    ASSERT_FALSE(trace.ok()) << row;
    EXPECT_NE(trace.status().message().find("a.csv:3"), std::string::npos);
  }
  EXPECT_EQ(ReadTrace(path + ".zst", 1).status().code(), StatusCode::kNotFound);
}

TEST(AnswerCostsTest, TheyAreWhatIsDocumentedAndTheSameEachTime) {
  const std::vector<std::uint32_t> none;
  const Trace drawn = WithAnswerCosts(Sequence(none, 20'000), 1);
  const Trace again = WithAnswerCosts(Sequence(none, 20'000), 1);
  const Trace other = WithAnswerCosts(Sequence(none, 20'000), 2);
  std::vector<std::uint64_t> bytes;
  std::size_t same = 0;
  for (std::size_t i = 0; i < drawn.items.size(); ++i) {
    bytes.push_back(drawn.items[i].bytes);
    ASSERT_EQ(drawn.items[i].cost, again.items[i].cost);
    same += drawn.items[i].cost == other.items[i].cost ? 1 : 0;
  }
  EXPECT_LT(same, 200u);
  std::nth_element(bytes.begin(), bytes.begin() + 10'000, bytes.end());
  EXPECT_NEAR(static_cast<double>(bytes[10'000]), 100 + 1.6 * 343, 10);
}

// The figures of the full benchmark, on the two traces that the repository carries.
class FixtureTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    Result<Trace> trace =
        ReadTrace(std::string(LARDER_BENCH_DATA_DIR "/") + GetParam(), UINT64_MAX);
    ASSERT_TRUE(trace.ok()) << trace.status().ToString();
    native_ = *std::move(trace);
    answers_ = WithAnswerCosts(native_, 1);
  }
  static double Cost(const Trace& trace, const MakeCache& make, std::uint64_t capacity) {
    return 100 * Measure(trace, make, capacity).cost_saved;
  }
  Trace native_;
  Trace answers_;
};

TEST_P(FixtureTest, ThePolicySavesAsMuchAsExactGdsfWithinTwoPoints) {
  for (const unsigned percent : {1, 5, 10, 20}) {
    const std::uint64_t capacity = answers_.FootprintBytes() * percent / 100;
    const double gdsf = Cost(answers_, MakeGdsf, capacity);
    EXPECT_GT(Cost(answers_, MakeSweep(0.2), capacity), gdsf - 2) << percent << " %";
  }
}

TEST_P(FixtureTest, ThePolicyHitsAsOftenAsLruOnAverage) {
  double lead = 0;
  for (const unsigned percent : {1, 5, 10, 20}) {
    const std::uint64_t capacity = native_.FootprintBytes() * percent / 100;
    lead += Cost(native_, MakeSweep(0.2), capacity) - Cost(native_, MakeLru, capacity);
  }
  EXPECT_GT(lead, 0);
}

TEST_P(FixtureTest, MemoryAndRewritingStayWithinTheirBounds) {
  for (const unsigned percent : {1, 5, 10, 20}) {
    const Measurement measured =
        Measure(answers_, MakeSweep(0.2), answers_.FootprintBytes() * percent / 100);
    EXPECT_LE(measured.memory_bytes, 6 * measured.entries + (256 << 10));
    EXPECT_LE(measured.rewritten_per_stored, 4);
  }
}

TEST_P(FixtureTest, NothingSavesMoreThanTheOfflineBound) {
  const std::uint64_t capacity = answers_.FootprintBytes() / 10;
  double cost = 0;
  for (const std::uint32_t access : answers_.accesses) cost += answers_.items[access].cost;
  const double bound = 100 * OfflineBound(answers_, capacity) / cost;
  for (const auto& [name, make] : AllPolicies(0.2)) {
    EXPECT_LT(Cost(answers_, make, capacity), bound) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, FixtureTest,
                         ::testing::Values("caffeine_cache2k_web07.csv.zst",
                                           "caffeine_lirs_multi1.csv.zst"));

}  // namespace
}  // namespace larder::hit_ratio
