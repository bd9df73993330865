// FaultyCacheTest: a cache on a file system that fails, hangs and fills up as told. Its two
// threads stand still: a test does what they would do, when it wants that.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cache_core.h"
#include "fake_clock.h"
#include "faulty_file_system.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::testing {

class FaultyCacheTest : public ::testing::Test {
 protected:
  FaultyCacheTest()
      : files_(std::make_shared<FaultyFileSystem>()), env_(rocksdb::NewCompositeEnv(files_)) {
    options_.directory = dir_ / "cache";
    options_.clock = &clock_;
    options_.log = [this](LogLevel, std::string_view line) {
      const std::lock_guard lock(mutex_);
      log_.emplace_back(line);
    };
    internals_.env = env_.get();
    internals_.threads = false;
    internals_.hot_tier = false;
    internals_.reserve_bytes = std::uint64_t{64} << 20;
    Open();
  }
  ~FaultyCacheTest() override {
    files_->Release();
    if (core_ != nullptr) static_cast<void>(core_->Close());
  }
  void Open() {
    Result<std::shared_ptr<CacheCore>> core = CacheCore::Open(options_, internals_);
    ASSERT_OK(core);
    core_ = *std::move(core);
  }
  void Reopen() {
    ASSERT_OK(core_->Close());
    core_.reset();
    Open();
  }
  Status Put(const std::string& key) { return core_->Put(key, "value of " + key, {}).status(); }
  // The body, or "MISS".
  std::string Get(const std::string& key) {
    const std::optional<Hit> hit = core_->Get(key, {});
    return hit ? std::string(hit->entry.body()) : "MISS";
  }
  // As the steward, `by` later.
  void CareLater(Duration by = std::chrono::seconds(1)) {
    clock_.Advance(by);
    core_->Care();
  }
  // "degraded disk_full"
  std::string State() {
    const Health health = core_->GetHealth();
    return std::string(HealthStateName(health.state)) + " " +
           std::string(HealthReasonName(health.reason));
  }
  std::vector<std::string> Log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  TempDir dir_;
  FakeClock clock_;
  std::shared_ptr<FaultyFileSystem> files_;
  std::unique_ptr<rocksdb::Env> env_;
  Options options_;
  CacheInternals internals_;
  std::shared_ptr<CacheCore> core_;

 private:
  std::mutex mutex_;
  std::vector<std::string> log_;  // guarded by mutex_
};

}  // namespace larder::testing
