// Many keys at a time keep the promises of one, and Peek leaves no trace.
#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "cache_fixture.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::CacheTest;
using testing::ConfigName;
using testing::HasCode;
using testing::kConfigurations;

class BatchTest : public CacheTest {
 protected:
  std::vector<std::string> MultiGet(const std::vector<std::string_view>& keys,
                                    const ReadOptions& options = {}) {
    std::vector<std::string> bodies;
    for (const std::optional<Hit>& hit : cache_->MultiGet(keys, options)) {
      bodies.emplace_back(hit.has_value() ? hit->entry.body() : "MISS");
    }
    return bodies;
  }
};

TEST_P(BatchTest, MultiGetAnswersInTheOrderOfItsKeys) {
  ASSERT_OK(Put("a", "1"));
  ASSERT_OK(Put("b", "2", {.tags = {"t"}}));
  ASSERT_OK(Put("c", "3"));
  EXPECT_EQ(MultiGet({"c", "x", "a", "b", "a", ""}),
            (std::vector<std::string>{"3", "MISS", "1", "2", "1", "MISS"}));
  Reopen();
  ASSERT_OK(InvalidateTag("t"));
  EXPECT_EQ(MultiGet({"a", "b", "c"}), (std::vector<std::string>{"1", "MISS", "3"}));
  EXPECT_EQ(MultiGet({"a"}, {.newer_than = kRefresh}), (std::vector<std::string>{"MISS"}));
  EXPECT_TRUE(cache_->MultiGet({}).empty());
}

TEST_P(BatchTest, MultiGetCountsAndFillsAsGetDoes) {
  ASSERT_OK(Put("a", "1"));
  Reopen();
  const Stats before = cache_->GetStats();
  MultiGet({"a", "x", "y"});
  MultiGet({"a"});
  const Stats after = cache_->GetStats();
  EXPECT_EQ(after.hits - before.hits, 2u);
  EXPECT_EQ(after.hot_hits - before.hot_hits, GetParam().hot_tier ? 1u : 0u);
  EXPECT_EQ(after.misses_absent - before.misses_absent, 2u);
}

TEST_P(BatchTest, HundredsOfKeysAtATime) {
  std::vector<std::string> keys;
  std::vector<PutRequest> puts;
  for (int i = 0; i < 300; ++i) keys.push_back("key " + std::to_string(i));
  for (const std::string& key : keys) puts.push_back({.key = key, .body = key});
  for (const Result<PutOutcome>& outcome : cache_->MultiPut(puts)) {
    ASSERT_OK(outcome);
    EXPECT_EQ(*outcome, PutOutcome::kStored);
  }
  Reopen();
  const std::vector<std::string> bodies = MultiGet({keys.begin(), keys.end()});
  EXPECT_EQ(bodies, keys);
  EXPECT_EQ(cache_->GetStats().stores, 300u);
}

TEST_P(BatchTest, EachPutStandsByItself) {
  const std::string long_key(2000, 'k');
  const std::vector<PutRequest> puts = {{.key = "a", .body = "1"},
                                        {.key = long_key, .body = "2"},
                                        {.key = "b", .body = "3", .options = {.ttl = 0s}},
                                        {.key = "c", .body = "4", .options = {.tags = {""}}},
                                        {.key = "a", .body = "5"}};
  const std::vector<Result<PutOutcome>> outcomes = cache_->MultiPut(puts);
  ASSERT_EQ(outcomes.size(), 5u);
  EXPECT_EQ(*outcomes[0], PutOutcome::kStored);
  EXPECT_THAT(outcomes[1], HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(*outcomes[2], PutOutcome::kNotStored);
  EXPECT_THAT(outcomes[3], HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(*outcomes[4], PutOutcome::kStored);
  EXPECT_EQ(Get("a"), "5") << "the later of two at one key";
  Reopen();
  EXPECT_EQ(Get("a"), "5");
  EXPECT_EQ(Get("b"), "MISS");
}

TEST_P(BatchTest, LargeValuesNeitherLoseTheirPlaceNorTheirNeighbours) {
  const std::string large(300'000, 'l');
  ASSERT_OK(cache_->Change({.max_disk_bytes = std::uint64_t{256} << 20}));
  std::string noise(std::size_t{9} << 20, 0);  // over a 32nd of that
  std::minstd_rand random;
  for (char& c : noise) c = static_cast<char>(random() >> 8);
  const std::vector<PutRequest> puts = {{.key = "a", .body = "1"},
                                        {.key = "a", .body = large},
                                        {.key = "b", .body = noise},
                                        {.key = "c", .body = large},
                                        {.key = "c", .body = "2"}};
  const std::vector<Result<PutOutcome>> outcomes = cache_->MultiPut(puts);
  ASSERT_EQ(outcomes.size(), 5u);
  EXPECT_THAT(outcomes[2], HasCode(StatusCode::kResourceExhausted));
  for (const int i : {0, 1, 3, 4}) EXPECT_EQ(*outcomes[i], PutOutcome::kStored);
  EXPECT_EQ(Get("a"), large);
  EXPECT_EQ(Get("b"), "MISS");
  EXPECT_EQ(Get("c"), "2");
}

TEST_P(BatchTest, ALeaseFromBeforeDoesNotReplaceWhatABatchWrote) {
  Acquired acquired = cache_->Acquire("k");
  const std::vector<PutRequest> puts = {{.key = "k", .body = "batch"}};
  ASSERT_OK(cache_->MultiPut(puts)[0]);
  EXPECT_EQ(std::get<Lease>(acquired).Commit("slow").outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("k"), "batch");
}

TEST_P(BatchTest, BatchesOfTheSameKeysDoNotBlockEachOther) {
  std::vector<std::string> keys;
  for (int i = 0; i < 50; ++i) keys.push_back("key " + std::to_string(i));
  const auto write = [&](bool forward) {
    std::vector<PutRequest> puts;
    for (const std::string& key : keys) puts.push_back({.key = key, .body = "v"});
    if (!forward) std::reverse(puts.begin(), puts.end());
    for (int i = 0; i < 50; ++i) {
      for (const auto& outcome : cache_->MultiPut(puts)) EXPECT_OK(outcome);
    }
  };
  std::thread other([&] { write(false); });
  write(true);
  other.join();
  EXPECT_EQ(Get(keys[0]), "v");
}

TEST_P(BatchTest, SeveralInvalidationsAreOne) {
  ASSERT_OK(Put("a", "1", {.tags = {"s"}}));
  ASSERT_OK(Put("b", "2", {.tags = {"t"}}));
  ASSERT_OK(Put("c", "3", {.tags = {"u"}}));
  const std::vector<Invalidation> what = {{.tags = {"s"}}, {.tags = {"t"}}};
  const Result<std::uint64_t> number = cache_->MultiInvalidate(what);
  ASSERT_OK(number);
  EXPECT_EQ(MultiGet({"a", "b", "c"}), (std::vector<std::string>{"MISS", "MISS", "3"}));
  Reopen();
  EXPECT_EQ(MultiGet({"a", "b", "c"}), (std::vector<std::string>{"MISS", "MISS", "3"}));
  const std::vector<Invalidation> all = {{.tags = {"s"}}, {.all = true}};
  ASSERT_OK(cache_->MultiInvalidate(all));
  EXPECT_EQ(Get("c"), "MISS");
  EXPECT_THAT(cache_->MultiInvalidate({}), HasCode(StatusCode::kInvalidArgument));
  const std::vector<Invalidation> bad = {{.tags = {"s"}}, {.tags = {""}}};
  EXPECT_THAT(cache_->MultiInvalidate(bad), HasCode(StatusCode::kInvalidArgument));
}

TEST_P(BatchTest, PeekFindsWhatGetFindsAndLeavesNoTrace) {
  ASSERT_OK(Put("k", "v", {.cost_microusd = 7}));
  Reopen();
  const Stats before = cache_->GetStats();
  const std::optional<Hit> hit = cache_->Peek("k");
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->entry.body(), "v");
  EXPECT_FALSE(cache_->Peek("x").has_value());
  const Stats after = cache_->GetStats();
  EXPECT_EQ(after.hits, before.hits);
  EXPECT_EQ(after.misses, before.misses);
  EXPECT_EQ(after.microusd_saved, before.microusd_saved);
  EXPECT_EQ(after.hot_entries, 0u);
  EXPECT_FALSE(cache_->GetInMemory("k").has_value());
  ASSERT_OK(cache_->Remove("k"));
  EXPECT_FALSE(cache_->Peek("k").has_value());
}

TEST_P(BatchTest, AClosedCacheAnswersBatchesToo) {
  ASSERT_OK(Put("k", "v"));
  ASSERT_OK(cache_->Close());
  EXPECT_EQ(MultiGet({"k"}), (std::vector<std::string>{"MISS"}));
  EXPECT_FALSE(cache_->Peek("k").has_value());
  const std::vector<PutRequest> puts = {{.key = "k", .body = "v"}};
  EXPECT_THAT(cache_->MultiPut(puts)[0], HasCode(StatusCode::kUnavailable));
}

INSTANTIATE_TEST_SUITE_P(Configurations, BatchTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder
