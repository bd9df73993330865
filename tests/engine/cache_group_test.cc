#include "larder/cache_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cache_core.h"
#include "fake_clock.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class CacheGroupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::shared_ptr<CacheGroup>> group = CacheGroup::Make(32 * kMiB);
    ASSERT_OK(group);
    group_ = *std::move(group);
  }
  std::unique_ptr<Cache> Open(const std::string& name) {
    Options options;
    options.directory = dir_ / name;
    options.max_memory_bytes = 32 * kMiB;
    options.compression.level = 0;
    options.group = group_;
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    EXPECT_OK(cache);
    return *std::move(cache);
  }
  static void Fill(Cache& cache, int entries) {
    for (int i = 0; i < entries; ++i) {
      const std::string key = "key " + std::to_string(i);
      while (!cache.Put(key, std::string(4000, 'b')).ok()) std::this_thread::yield();  // merges lag
    }
  }
  // RocksDB's threads of this process.
  static int StoreThreads() {
    int count = 0;
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::ifstream name(task.path() / "comm");
      std::string text;
      std::getline(name, text);
      count += text.starts_with("rocksdb") ? 1 : 0;
    }
    return count;
  }

  testing::TempDir dir_;
  std::shared_ptr<CacheGroup> group_;
};

TEST_F(CacheGroupTest, TooLittleMemoryIsRefused) {
  const Status status = CacheGroup::Make(kMiB).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "max_memory_bytes 1048576 of a group is under 16777216");
  EXPECT_EQ(group_->SetMaxMemoryBytes(1).code(), StatusCode::kInvalidArgument);
}

TEST_F(CacheGroupTest, SeveralCachesStayWithinItsMemoryTogether) {
  const std::unique_ptr<Cache> a = Open("a");
  const std::unique_ptr<Cache> b = Open("b");
  for (Cache* cache : {a.get(), b.get()}) {
    Fill(*cache, 12'000);
    ASSERT_OK(cache->Compact());
    for (int i = 0; i < 12'000; ++i) cache->Get("key " + std::to_string(i));
  }
  EXPECT_GT(group_->memory_bytes(), 24 * kMiB) << "full of the blocks of both";
  EXPECT_LE(group_->memory_bytes(), 33 * kMiB);
  EXPECT_LE(a->GetStats().memory_bytes, 32 * kMiB) << "what is shared is not counted as its own";
  ASSERT_OK(group_->SetMaxMemoryBytes(16 * kMiB));
  EXPECT_LE(group_->memory_bytes(), 17 * kMiB);
  EXPECT_EQ(group_->max_memory_bytes(), 16 * kMiB);
}

TEST_F(CacheGroupTest, CachesShareEightPairsOfThreadsOfTheStoreAtMost) {
  std::vector<std::unique_ptr<Cache>> caches;
  for (int i = 0; i < 12; ++i) {
    caches.push_back(Open(std::to_string(i)));
    Fill(*caches.back(), 100);
    ASSERT_OK(caches.back()->Compact());
  }
  EXPECT_GT(StoreThreads(), 2);
  EXPECT_LE(StoreThreads(), 16);
}

TEST_F(CacheGroupTest, ACacheOutlivesWhoMadeItsGroupAndWhatOneClosesStaysWithTheOther) {
  std::unique_ptr<Cache> a = Open("a");
  const std::unique_ptr<Cache> b = Open("b");
  group_.reset();
  Fill(*a, 1000);
  Fill(*b, 1000);
  a.reset();
  EXPECT_TRUE(b->Get("key 999").has_value());
  ASSERT_OK(b->Put("more", "body"));
}

// The steward's second is the test's.
class CacheGroupWritersTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kCaches = 8;

  void SetUp() override {
    Result<std::shared_ptr<CacheGroup>> group = CacheGroup::Make(CacheGroup::kLeastMemoryBytes);
    ASSERT_OK(group);
    for (std::size_t i = 0; i < kCaches; ++i) {
      Options options;
      options.directory = DirectoryOf(i);
      options.max_memory_bytes = 32 * kMiB;
      options.compression.level = 0;
      options.clock = &clock_;
      options.group = *group;
      Result<std::shared_ptr<CacheCore>> cache = CacheCore::Open(options, {.threads = false});
      ASSERT_OK(cache);
      caches_.push_back(*std::move(cache));
    }
  }
  void TearDown() override {
    for (const auto& cache : caches_) EXPECT_OK(cache->Close());
  }
  std::string DirectoryOf(std::size_t cache) const { return dir_ / std::to_string(cache); }
  // Values of 4,000 bytes, none under a key that was there before.
  void Write(std::size_t cache, int values) {
    for (int i = 0; i < values; ++i) {
      const std::string key = std::to_string(++keys_);
      Status status;
      do {  // a busy machine may be behind with its merges
        status = caches_[cache]->Put(key, std::string(4000, 'b'), {}).status();
      } while (status.code() == StatusCode::kResourceExhausted);
      ASSERT_OK(status);
    }
  }
  void CareOfAll() {
    clock_.Advance(std::chrono::seconds(1));
    for (const auto& cache : caches_) cache->Care();
  }
  // Files are numbered, and a log begins with each table that is flushed.
  std::uint64_t FilesEver(std::size_t cache) const {
    std::uint64_t most = 0;
    for (const auto& file : std::filesystem::directory_iterator(DirectoryOf(cache) + "/store")) {
      const std::string name = file.path().stem().string();
      const bool numbered = name.find_first_not_of("0123456789") == std::string::npos;
      if (numbered) most = std::max<std::uint64_t>(most, std::stoull(name));
    }
    return most;
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::vector<std::shared_ptr<CacheCore>> caches_;
  int keys_ = 0;
};

TEST_F(CacheGroupWritersTest, ManyThatWriteLittleTakeNoRoomFromTheOneThatWritesMuch) {
  for (int second = 0; second < 18; ++second) {
    for (std::size_t cache = 1; cache < kCaches; ++cache) Write(cache, 25);
    CareOfAll();
  }
  for (int second = 0; second < 6; ++second) {
    Write(0, 250);
    CareOfAll();
  }
  EXPECT_LT(FilesEver(0), 30u);
  for (std::size_t cache = 1; cache < kCaches; ++cache) EXPECT_LT(FilesEver(cache), 60u) << cache;
}

TEST_F(CacheGroupWritersTest, ACacheThatWritesAtOnceFindsRoomBesideThoseThatWroteBefore) {
  for (std::size_t cache = 1; cache < kCaches; ++cache) Write(cache, 230);
  Write(0, 1500);
  EXPECT_LT(FilesEver(0), 30u);
}

}  // namespace
}  // namespace larder
