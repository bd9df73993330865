// P4: what the caller sees of a disk that is full. (Design 3.9: RocksDB's own log would end the
// process here.)
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cache_core.h"
#include "faulty_file_system.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "store.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::HasCode;

class StoreFaultTest : public ::testing::Test {
 protected:
  StoreFaultTest()
      : files_(std::make_shared<testing::FaultyFileSystem>()),
        env_(rocksdb::NewCompositeEnv(files_)) {}

  void OpenCacheOn(const std::string& directory) {
    Options options;
    options.directory = directory;
    options.log = [this](LogLevel level, std::string_view line) {
      if (level != LogLevel::kError) return;
      const std::lock_guard lock(mutex_);
      errors_.emplace_back(line);
    };
    Result<std::unique_ptr<Cache>> cache = OpenCache(options, {.env = env_.get()});
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }
  int StoreFaultsLogged() {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::count_if(errors_.begin(), errors_.end(), [](const auto& line) {
      return line.starts_with("store fault");
    }));
  }

  testing::TempDir dir_;
  std::shared_ptr<testing::FaultyFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::mutex mutex_;
  std::vector<std::string> errors_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(StoreFaultTest, FullDiskRefusesWritesAndGoesOnReading) {
  OpenCacheOn(dir_ / "cache");
  ASSERT_OK(cache_->Put("before", "v"));
  files_->full() = true;
  EXPECT_THAT(cache_->Put("k", "v"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Put("k", "v"), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(cache_->Remove("before"), HasCode(StatusCode::kUnavailable));
  EXPECT_GT(files_->refused(), 0);
  EXPECT_FALSE(cache_->Get("k").has_value()) << "not stored, so not served";
  EXPECT_EQ(StoreFaultsLogged(), 1) << "once an episode";
  EXPECT_EQ(cache_->GetStats().store_faults, 1u) << "who is kept out sees no fault";
  files_->full() = false;
}

TEST_F(StoreFaultTest, CallerGetsItsAnswerThoughItCannotBeStored) {
  OpenCacheOn(dir_ / "cache");
  files_->full() = true;
  int computed = 0;
  for (int i = 0; i < 2; ++i) {
    const Result<Entry> entry = cache_->GetOrCompute("k", {}, [&]() -> Result<Computed> {
      ++computed;
      return Computed{"answer"};
    });
    ASSERT_OK(entry);
    EXPECT_EQ(entry->body(), "answer");
  }
  EXPECT_EQ(computed, 2);
  files_->full() = false;
}

TEST_F(StoreFaultTest, WritesStayRefusedUntilTheStoreIsOpenedAnew) {
  const StoreOptions options{.path = dir_ / "store", .env = env_.get()};
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  ASSERT_OK(store);
  files_->full() = true;  // at the very first write: the memtable is empty
  EXPECT_THAT((*store)->Put("a", "1", false), HasCode(StatusCode::kResourceExhausted));
  EXPECT_THAT(Store::Probe(options), HasCode(StatusCode::kResourceExhausted));
  files_->full() = false;
  EXPECT_OK(Store::Probe(options));
  EXPECT_FALSE((*store)->Put("b", "2", false).ok());
  store = Status(StatusCode::kUnavailable, "closed");
  store = Store::Open(options);
  ASSERT_OK(store);
  EXPECT_OK((*store)->Put("c", "3", true));
}

// The steward looks once a second.
TEST_F(StoreFaultTest, CacheComesBackByItselfWhenThereIsSpaceAgain) {
  OpenCacheOn(dir_ / "cache");
  ASSERT_OK(cache_->Put("before", "v"));
  files_->full() = true;
  EXPECT_THAT(cache_->Put("k", "v"), HasCode(StatusCode::kUnavailable));
  files_->full() = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!cache_->Put("k", "v").ok() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(cache_->Get("k").has_value());
  EXPECT_TRUE(cache_->Get("before").has_value());
}

// The store is quarantined while it is opened anew, and its tombstones with it.
TEST_F(StoreFaultTest, RemovalOutlivesTheStoreItWasWrittenTo) {
  OpenCacheOn(dir_ / "cache");
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(cache_->Remove("k"));
  files_->full() = true;
  EXPECT_THAT(cache_->Put("x", "v"), HasCode(StatusCode::kUnavailable));
  for (const auto& file : std::filesystem::directory_iterator(dir_ / "cache/store")) {
    if (!file.path().filename().string().starts_with("MANIFEST")) continue;
    std::fstream(file.path(), std::ios::in | std::ios::out | std::ios::binary).seekp(10) << "XXXX";
  }
  files_->full() = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!cache_->Put("x", "v").ok() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(std::filesystem::exists(dir_ / "cache/quarantine/store"));
  std::get<Lease>(slow).Commit("from before the removal", {});
  EXPECT_FALSE(cache_->Get("k").has_value());
}

TEST_F(StoreFaultTest, AcknowledgedRowsSurviveAFullDiskAndReopening) {
  OpenCacheOn(dir_ / "cache");
  for (int i = 0; i < 100; ++i) ASSERT_OK(cache_->Put("k" + std::to_string(i), "v"));
  files_->full() = true;
  EXPECT_THAT(cache_->Put("lost", "v"), HasCode(StatusCode::kUnavailable));
  files_->full() = false;
  cache_.reset();
  OpenCacheOn(dir_ / "cache");
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(cache_->Get("k" + std::to_string(i)).has_value()) << i;
  }
}

}  // namespace
}  // namespace larder
