// What was hot is in memory again after a restart, before it is asked for.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cache_core.h"
#include "fake_clock.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT

constexpr std::size_t kBodyBytes = 5000;

class CacheWarmUpTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.max_memory_bytes = std::uint64_t{32} << 20;
    options_.log = [this](LogLevel, std::string_view line) { log_ += std::string(line) + "\n"; };
    Open();
  }
  void Open() {
    core_.reset();
    Result<std::shared_ptr<CacheCore>> core = CacheCore::Open(options_, {.threads = false});
    ASSERT_OK(core);
    core_ = *std::move(core);
    EXPECT_EQ(core_->GetStats().hot_entries, 0u);
    core_->Care();  // reads the list
  }
  void Reopen() {
    ASSERT_OK(core_->Close());
    Open();
  }
  static std::string Key(int i) { return "key " + std::to_string(i); }
  void Put(int count) {
    for (int i = 0; i < count; ++i) ASSERT_OK(core_->Put(Key(i), std::string(kBodyBytes, 'b'), {}));
  }
  void Use(int from, int to) {
    for (int i = from; i < to; ++i) ASSERT_TRUE(core_->Get(Key(i), {}).has_value()) << i;
  }
  int InMemory(int from, int to) {
    int count = 0;
    for (int i = from; i < to; ++i) count += core_->GetInMemory(Key(i), {}).has_value() ? 1 : 0;
    return count;
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Options options_;
  std::string log_;
  std::shared_ptr<CacheCore> core_;
};

TEST_F(CacheWarmUpTest, WhatWasUsedAgainIsInMemoryAfterARestartAndCountsAsNoHit) {
  Put(300);
  Use(100, 200);
  const std::uint64_t hits = core_->GetStats().hits;
  Reopen();
  EXPECT_EQ(core_->GetStats().hits, hits);
  EXPECT_EQ(InMemory(100, 200), 100);
  EXPECT_EQ(InMemory(0, 100), 0);
  Reopen();
  EXPECT_EQ(InMemory(100, 200), 100) << "also if nothing of it was used since";
}

TEST_F(CacheWarmUpTest, AKillTakesNoMoreThanTheLatestMinute) {
  Put(200);
  Use(0, 100);
  clock_.Advance(60s);
  core_->Care();
  Use(100, 200);
  // As the files are now, without anything that closing does.
  std::filesystem::copy(options_.directory, dir_ / "killed",
                        std::filesystem::copy_options::recursive);
  ASSERT_OK(core_->Close());
  options_.directory = dir_ / "killed";
  Open();
  EXPECT_EQ(InMemory(0, 100), 100);
  EXPECT_EQ(InMemory(100, 200), 0);
}

TEST_F(CacheWarmUpTest, WhatWasRemovedOrInvalidatedOrHasExpiredDoesNotComeBack) {
  ASSERT_OK(core_->Put("removed", "r", {}));
  ASSERT_OK(core_->Put("invalid", "i", {.tags = {"t"}}));
  ASSERT_OK(core_->Put("expired", "e", {.ttl = 1s}));
  ASSERT_OK(core_->Put("good", "g", {}));
  for (const char* key : {"removed", "invalid", "expired", "good"}) core_->Get(key, {});
  clock_.Advance(61s);
  core_->Care();
  const std::string list = options_.directory + "/hot";
  std::filesystem::copy_file(list, dir_ / "list");
  ASSERT_OK(core_->Remove("removed"));
  const Invalidation tag{.tags = {"t"}};
  ASSERT_OK(core_->Invalidate({&tag, 1}));
  ASSERT_OK(core_->Close());
  std::filesystem::copy_file(dir_ / "list", list,
                             std::filesystem::copy_options::overwrite_existing);
  Open();
  EXPECT_EQ(core_->GetStats().hot_entries, 1u);
  EXPECT_TRUE(core_->GetInMemory("good", {}).has_value());
}

TEST_F(CacheWarmUpTest, TheHottestComeFirstAndNoMoreThanMemoryTakes) {
  ASSERT_OK(core_->Close());
  options_.max_memory_bytes = std::uint64_t{128} << 20;
  Open();
  Put(6000);  // 30 MB
  Use(0, 6000);
  Use(0, 1000);
  ASSERT_OK(core_->Close());
  options_.max_memory_bytes = std::uint64_t{32} << 20;
  Open();
  const Stats stats = core_->GetStats();
  EXPECT_LE(stats.memory_bytes, options_.max_memory_bytes);
  EXPECT_GT(InMemory(0, 1000), 900) << stats.hot_entries << " entries, " << stats.hot_bytes;
}

TEST_F(CacheWarmUpTest, ADamagedListIsSaidSoAndDoesNotMatter) {
  Put(10);
  Use(0, 10);
  ASSERT_OK(core_->Close());
  std::fstream file(options_.directory + "/hot", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(20);
  file.put('!');
  file.close();
  Open();
  EXPECT_NE(log_.find("does not verify"), std::string::npos) << log_;
  Use(0, 10);
}

}  // namespace
}  // namespace larder
