// Invalidation by the beginning of keys: as strong as by tag.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "cache_fixture.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using testing::CacheTest;
using testing::ConfigName;
using testing::HasCode;
using testing::kConfigurations;

class PrefixTest : public CacheTest {
 protected:
  Status InvalidatePrefix(const std::string& prefix) {
    return cache_->Invalidate({.prefixes = {prefix}}).status();
  }
};

TEST_P(PrefixTest, ItCoversWhatBeginsWithItAndIsOlder) {
  ASSERT_OK(Put("user/1/a", "v"));
  ASSERT_OK(Put("user/10/a", "v"));
  ASSERT_OK(InvalidatePrefix("user/1/"));
  EXPECT_EQ(Get("user/1/a"), "MISS");
  EXPECT_EQ(Get("user/10/a"), "v");
  ASSERT_OK(Put("user/1/a", "new"));
  EXPECT_EQ(Get("user/1/a"), "new");
  Reopen();
  EXPECT_EQ(Get("user/1/a"), "new");
  EXPECT_EQ(Get("user/10/a"), "v");
}

TEST_P(PrefixTest, ItSurvivesReopeningAndCompaction) {
  ASSERT_OK(Put("p/k", "v"));
  ASSERT_OK(InvalidatePrefix("p/"));
  Reopen();
  EXPECT_EQ(Get("p/k"), "MISS");
  ASSERT_OK(cache_->Compact());
  const std::uint64_t before = cache_->GetStats().misses_absent;
  EXPECT_EQ(Get("p/k"), "MISS");
  EXPECT_EQ(cache_->GetStats().misses_absent - before, 1u) << "the reaper goes by prefixes, too";
}

TEST_P(PrefixTest, SlowWriterCannotBringBackWhatItCovers) {
  Acquired slow = cache_->Acquire("p/k");
  ASSERT_OK(InvalidatePrefix("p/"));
  EXPECT_TRUE(std::holds_alternative<Lease>(cache_->Acquire("p/k"))) << "no joining of the older";
  EXPECT_EQ(std::get<Lease>(slow).Commit("slow").outcome, PutOutcome::kSuperseded);
  EXPECT_EQ(Get("p/k"), "MISS");
}

TEST_P(PrefixTest, KeysAndPrefixesOfAnyBytesAndLength) {
  const std::string longest(kMaxKeyBytes, '\0');
  ASSERT_OK(Put(longest, "v"));
  ASSERT_OK(Put("\xff\xff", "v"));
  ASSERT_OK(InvalidatePrefix(longest));
  EXPECT_EQ(Get(longest), "MISS");
  EXPECT_EQ(Get("\xff\xff"), "v");
  ASSERT_OK(InvalidatePrefix("\xff"));
  Reopen();
  EXPECT_EQ(Get("\xff\xff"), "MISS");
  EXPECT_EQ(Get(longest), "MISS");
  EXPECT_THAT(InvalidatePrefix(""), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(InvalidatePrefix(longest + "x"), HasCode(StatusCode::kInvalidArgument));
}

TEST_P(PrefixTest, BeyondAThousandTheOldestBecomeAnInvalidationOfAllThatIsOlder) {
  ASSERT_OK(Put("before", "v"));
  ASSERT_OK(InvalidatePrefix("first/"));
  ASSERT_OK(Put("first/k", "v"));
  ASSERT_OK(Put("between", "v"));
  std::vector<Invalidation> many;
  for (int i = 0; i < 999; ++i) many.push_back({.prefixes = {"p" + std::to_string(i) + "/"}});
  ASSERT_OK(cache_->MultiInvalidate(many));
  EXPECT_EQ(Get("before"), "v");
  ASSERT_OK(InvalidatePrefix("one more/"));
  EXPECT_EQ(Get("before"), "MISS") << "too much, never too little";
  ASSERT_OK(Put("p5/k", "new"));
  EXPECT_EQ(Get("p5/k"), "new");
  Reopen();
  EXPECT_EQ(Get("before"), "MISS");
  EXPECT_EQ(Get("p5/k"), "new");
}

TEST_P(PrefixTest, NoReaderSeesAValueFromBeforeAnAcknowledgedInvalidation) {
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) EXPECT_OK(cache_->Put("p/k", "v"));
  });
  std::thread invalidator([&] {
    for (int i = 0; i < 200; ++i) {
      const Result<std::uint64_t> number = cache_->Invalidate({.prefixes = {"p/"}});
      if (number.ok()) acknowledged = *number;
    }
    stop = true;
  });
  while (!stop) {
    const std::uint64_t floor = acknowledged;
    const std::optional<Hit> hit = cache_->Get("p/k");
    if (hit.has_value()) {
      EXPECT_GT(hit->entry.number(), floor);
    }
  }
  writer.join();
  invalidator.join();
}

INSTANTIATE_TEST_SUITE_P(Configurations, PrefixTest, kConfigurations, ConfigName);

}  // namespace
}  // namespace larder
