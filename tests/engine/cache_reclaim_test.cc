// An idle store gives back what is expired, invalidated or removed within two minutes.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "cache_core.h"
#include "directory_size.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
constexpr int kEntries = 3000;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class CacheReclaimTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.compression.level = 0;
    options_.log = [this](LogLevel level, std::string_view line) {
      if (level == LogLevel::kInfo) log_.emplace_back(line);
    };
    Result<std::shared_ptr<CacheCore>> core = CacheCore::Open(options_, {.threads = false});
    ASSERT_OK(core);
    core_ = *std::move(core);
  }
  void TearDown() override { ASSERT_OK(core_->Close()); }

  // 6,000 bytes each, half of them with each of two tags, a third with a short life.
  void Fill() {
    for (int i = 0; i < kEntries; ++i) {
      WriteOptions options{.tags = {i % 2 == 0 ? "even" : "odd"}};
      options.ttl = i % 3 == 0 ? Duration(10min) : kForever;
      const std::string key = (i % 4 == 0 ? "four/" : "other/") + std::to_string(i * 7919);
      ASSERT_OK(core_->Put(key, std::string(6000, static_cast<char>('a' + i % 26)), options));
    }
  }
  void Idle(Duration time) {
    for (; time > Duration::zero(); time -= 1s) {
      clock_.Advance(1s);
      core_->Care();
    }
  }
  std::uint64_t Bytes() const { return DirectorySize(options_.directory); }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Options options_;
  std::vector<std::string> log_;
  std::shared_ptr<CacheCore> core_;
};

TEST_F(CacheReclaimTest, WhatIsExpiredGoesWithinTwoMinutes) {
  Fill();
  Idle(2min);
  const std::uint64_t before = Bytes();
  EXPECT_GT(before, 16 * kMiB);
  Idle(8min);  // now a third is expired
  Idle(2min);
  EXPECT_LT(Bytes(), before * 3 / 4);
  EXPECT_GT(core_->GetStats().reclaimed_bytes, 5 * kMiB);
  EXPECT_LT(core_->GetStats().reclaimable_bytes, kMiB);
  EXPECT_EQ(core_->GetStats().evicted, 0u);
  ASSERT_FALSE(log_.empty());
  EXPECT_NE(log_.back().find("% of its"), std::string::npos) << log_.back();
}

TEST_F(CacheReclaimTest, WhatIsInvalidatedByTagPrefixOrAsAWholeGoesToo) {
  Fill();
  Idle(1min);
  std::uint64_t before = Bytes();
  const Invalidation tag{.tags = {"even"}};
  ASSERT_OK(core_->Invalidate({&tag, 1}));
  Idle(2min);
  EXPECT_LT(Bytes(), before * 6 / 10);
  ASSERT_OK(core_->Put("four/more", std::string(3 * kMiB, 'm'), {}));
  Idle(1min);
  before = Bytes();
  const Invalidation prefix{.prefixes = {"four/"}};
  ASSERT_OK(core_->Invalidate({&prefix, 1}));
  Idle(2min);
  EXPECT_LT(Bytes(), before - 2 * kMiB);
  const Invalidation all{.all = true};
  ASSERT_OK(core_->Invalidate({&all, 1}));
  Idle(2min);
  EXPECT_LT(Bytes(), 2 * kMiB);
}

// In fewer tables than RocksDB merges of itself, which would go by no clock of ours.
TEST_F(CacheReclaimTest, WhatIsRemovedGoesToo) {
  for (int i = 0; i < kEntries / 2; ++i) {
    ASSERT_OK(core_->Put(std::to_string(i), std::string(6000, 'r'), {.ttl = kForever}));
  }
  Idle(2min);
  ASSERT_GT(Bytes(), 8 * kMiB);
  for (int i = 0; i < kEntries / 2; ++i) ASSERT_OK(core_->Remove(std::to_string(i)));
  Idle(2min);
  EXPECT_LT(Bytes(), 2 * kMiB);
}

TEST_F(CacheReclaimTest, ALittleInEachTableGoesToo) {
  for (int i = 0; i < kEntries; ++i) {
    const WriteOptions options{.ttl = kForever, .tags = {i % 12 == 0 ? "few" : "most"}};
    ASSERT_OK(core_->Put(std::to_string(i * 7919 % kEntries), std::string(6000, 'b'), options));
  }
  Idle(1min);
  const std::uint64_t before = Bytes();
  const Invalidation few{.tags = {"few"}};
  ASSERT_OK(core_->Invalidate({&few, 1}));
  Idle(2min);
  EXPECT_LT(Bytes(), before * 19 / 20);
  EXPECT_GT(core_->GetStats().reclaimed_bytes, kMiB);
}

TEST_F(CacheReclaimTest, ATableIsNotRewrittenForALittleAgainAndAgain) {
  for (int i = 0; i < kEntries; ++i) {
    const WriteOptions options{.ttl = kForever, .tags = {std::to_string(i % 40)}};
    ASSERT_OK(core_->Put(std::to_string(i * 7919 % kEntries), std::string(6000, 'b'), options));
  }
  Idle(1min);
  const std::uint64_t before = core_->GetStats().merge_written_bytes;
  for (int tag = 0; tag < 8; ++tag) {
    const Invalidation little{.tags = {std::to_string(tag)}};
    ASSERT_OK(core_->Invalidate({&little, 1}));
    Idle(1min);
  }
  const std::uint64_t written = core_->GetStats().merge_written_bytes - before;
  EXPECT_GT(written, 10 * kMiB);
  EXPECT_LT(written, 40 * kMiB) << "twice what there is, and not eight times";
}

TEST_F(CacheReclaimTest, ATrickleOfValuesIsIdleToo) {
  Fill();
  Idle(1min);
  const std::uint64_t before = Bytes();
  const Invalidation tag{.tags = {"even"}};
  ASSERT_OK(core_->Invalidate({&tag, 1}));
  const Invalidation prefix{.prefixes = {"four/"}};
  for (int second = 0; second < 120; ++second) {
    if (second == 60) {
      ASSERT_OK(core_->Invalidate({&prefix, 1}));
    }
    ASSERT_OK(core_->Put("again", std::string(1000, 'a'), {}));
    Idle(1s);
  }
  EXPECT_LT(Bytes(), before * 6 / 10);
}

TEST_F(CacheReclaimTest, WhatLivesIsNotRewrittenAgainAndAgain) {
  Fill();
  Idle(1min);
  const std::uint64_t written = core_->GetStats().merge_written_bytes;
  Idle(8min);
  EXPECT_EQ(core_->GetStats().merge_written_bytes, written);
}

}  // namespace
}  // namespace larder
