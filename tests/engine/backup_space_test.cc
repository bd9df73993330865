// P3 beside a backup: while tables are copied none is deleted, so merges give nothing back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "du_sampler.h"
#include "kill_point.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "sync_faults.h"
#include "temp_dir.h"

namespace larder {
namespace {

using testing::DuSampler;
using testing::HasCode;
using ::testing::HasSubstr;
constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
constexpr std::uint64_t kBudget = 256 * kMiB;
constexpr std::size_t kValueBytes = 1 << 20;

// A backup's target that takes nothing more until it is let go.
std::atomic<bool> let_go{false};
std::atomic<bool> copying{false};
void StandStill(const char* at) {
  if (std::string_view(at) != "tables copied") return;
  copying = true;
  copying.notify_all();
  let_go.wait(false);
}

class BackupSpaceTest : public ::testing::Test {
 protected:
  BackupSpaceTest() {
    let_go = copying = false;
    syncs_.Skip();
    kill_point_hook = StandStill;
    options_.directory = dir_ / "cache";
    options_.max_disk_bytes = kBudget;
    options_.max_memory_bytes = 64 * kMiB;
    options_.compression.level = 0;
    options_.log = [](LogLevel /*level*/, std::string_view line) {
      if (line.find("ends a backup") != std::string_view::npos) LetGo();
    };
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options_);
    cache_ = cache.ok() ? *std::move(cache) : nullptr;
    std::mt19937_64 random(7);
    for (char& c : noise_) c = static_cast<char>(random());
  }
  ~BackupSpaceTest() override {
    LetGo();
    if (backing_up_.joinable()) backing_up_.join();
    cache_.reset();
    kill_point_hook = nullptr;
  }

  static void LetGo() {
    let_go = true;
    let_go.notify_all();
  }
  Status Put(int i) {
    const auto at = static_cast<std::size_t>(i) * 97 % 4096;
    return cache_->Put(std::to_string(i * 7919), std::string_view(noise_).substr(at, kValueBytes))
        .status();
  }
  // So many, each until it is taken.
  void Fill(std::uint64_t bytes) {
    for (; stored_ * kValueBytes < bytes; ++stored_) {
      while (!Put(static_cast<int>(stored_)).ok()) std::this_thread::yield();
    }
  }
  void BeginBackup() {
    backing_up_ =
        std::thread([this] { backup_ = cache_->Backup({.directory = dir_ / "backup"}).status(); });
    copying.wait(false);
  }
  Status EndOfBackup() {
    backing_up_.join();
    return *backup_;
  }

  std::string noise_ = std::string(kValueBytes + 4096, '\0');
  testing::SyncFaults syncs_;
  testing::TempDir dir_;
  Options options_;
  std::unique_ptr<Cache> cache_;
  std::uint64_t stored_ = 0;
  std::optional<Status> backup_;
  std::thread backing_up_;  // destroyed first
};

TEST_F(BackupSpaceTest, NothingIsEvictedForItHoweverLongItTakes) {
  ASSERT_NE(cache_, nullptr);
  Fill(kBudget * 4 / 10);
  ASSERT_EQ(cache_->GetStats().evicted, 0u);
  DuSampler sampler(options_.directory);
  BeginBackup();
  int refused = 0;
  while (refused < 10) {
    const Status status = Put(static_cast<int>(++stored_));
    if (status.ok()) continue;
    ASSERT_THAT(status, HasCode(StatusCode::kResourceExhausted));
    ++refused;
  }
  EXPECT_EQ(cache_->GetStats().evicted, 0u);
  EXPECT_GT(cache_->GetStats().disk_bytes, kBudget / 2) << "there was room for more";
  LetGo();
  EXPECT_OK(EndOfBackup());
  EXPECT_EQ(cache_->GetStats().evicted, 0u);
  Fill(stored_ * kValueBytes + kBudget / 4);  // merges go on, and make room
  EXPECT_LE(sampler.Stop(), kBudget);
}

TEST_F(BackupSpaceTest, RemovalsThatNeedItsRoomEndIt) {
  ASSERT_NE(cache_, nullptr);
  Fill(kBudget * 6 / 10);
  DuSampler sampler(options_.directory);
  BeginBackup();
  while (Put(static_cast<int>(++stored_)).ok()) {
  }
  const std::string prefix(1000, 'x');
  std::vector<std::thread> removers;
  constexpr int kRemovers = 64;  // share their syncs
  for (int t = 0; t < kRemovers; ++t) {
    removers.emplace_back([&, t] {
      for (int i = 0; !let_go;) {
        const Status status = cache_->Remove(prefix + std::to_string(i * kRemovers + t));
        if (status.ok()) ++i;
        // On a busy machine syncs may take so long that the disk seems to hang.
        if (!status.ok()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
    });
  }
  for (std::thread& remover : removers) remover.join();
  const Status backup = EndOfBackup();
  EXPECT_THAT(backup, HasCode(StatusCode::kResourceExhausted));
  EXPECT_THAT(backup.message(), HasSubstr("removals needed the room"));
  EXPECT_LE(sampler.Stop(), kBudget);
  EXPECT_EQ(cache_->GetStats().evicted, 0u);
}

}  // namespace
}  // namespace larder
