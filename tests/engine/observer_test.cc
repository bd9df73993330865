#include "larder/observer.h"

#include <gtest/gtest.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fake_clock.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT
using Lines = std::vector<std::string>;

class Recorder final : public Observer {
 public:
  void OnHit(const Hit& hit) override {
    Add("hit " + std::string(hit.key) + (hit.stale ? " stale" : ""));
  }
  void OnMiss(std::string_view key, MissReason reason) override {
    Add("miss " + std::string(key) + " " + std::to_string(static_cast<int>(reason)));
  }
  void OnStored(const Stored& stored) override {
    Add("stored " + std::string(stored.key) + " " + std::to_string(stored.raw_bytes));
    if (reenters != nullptr) reenters->Get(stored.key);
  }
  void OnRefused(const Refused& refused) override {
    Add("refused " + std::string(refused.key) + " " +
        std::to_string(static_cast<int>(refused.outcome)));
  }
  void OnInvalidated(const Invalidated& invalidated) override {
    if (!invalidated.removed.empty()) Add("removed " + std::string(invalidated.removed));
    for (const Invalidation& what : invalidated.what) {
      EXPECT_NE(invalidated.number, 0u);
      Add("invalidated " + what.tags.at(0) + (what.soft ? " softly" : ""));
    }
  }
  void OnCompacted(const Compacted& compacted) override {
    const std::lock_guard lock(mutex_);
    bytes_read_ += compacted.bytes_read;
  }
  Lines Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }
  std::uint64_t bytes_read() const {
    const std::lock_guard lock(mutex_);
    return bytes_read_;
  }

  Cache* reenters = nullptr;

 private:
  void Add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }
  mutable std::mutex mutex_;
  Lines lines_;
  std::uint64_t bytes_read_ = 0;
};

class ObserverTest : public ::testing::Test {
 protected:
  void SetUp() override { Open(&recorder_); }
  void Open(Observer* observer) {
    cache_.reset();
    Options options;
    options.directory = dir_ / "cache";
    options.clock = &clock_;
    options.observer = observer;
    Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
    ASSERT_OK(cache);
    cache_ = *std::move(cache);
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  Recorder recorder_;
  std::unique_ptr<Cache> cache_;
};

TEST_F(ObserverTest, IsToldOfHitsMissesAndWrites) {
  cache_->Get("k");
  ASSERT_OK(cache_->Put("k", "body", {.ttl = 60s, .stale_if_error = 10s}));
  cache_->Get("k");
  clock_.Advance(61s);
  cache_->Get("k", {.max_stale = 5s});
  EXPECT_EQ(recorder_.Take(), (Lines{"miss k 0", "stored k 4", "hit k", "hit k stale"}));
  cache_->Peek("k");
  cache_->Explain("k");
  EXPECT_EQ(recorder_.Take(), Lines{});
}

TEST_F(ObserverTest, IsToldOfRefusalsAndInvalidations) {
  ASSERT_OK(cache_->Put("k", "body", {.ttl = 0s}));
  Acquired slow = cache_->Acquire("k");
  ASSERT_OK(cache_->Remove("k"));
  std::get<Lease>(slow).Commit("slow");
  ASSERT_OK(cache_->Invalidate({.tags = {"t"}}));
  EXPECT_EQ(recorder_.Take(),
            (Lines{"refused k 2", "miss k 0", "removed k", "refused k 1", "invalidated t"}));
}

TEST_F(ObserverTest, IsToldOfEachOfABatch) {
  const std::vector<PutRequest> puts = {{.key = "a", .body = "1"}, {.key = "", .body = "2"}};
  cache_->MultiPut(puts);
  const std::vector<std::string_view> keys = {"a", "b"};
  cache_->MultiGet(keys);
  EXPECT_EQ(recorder_.Take(), (Lines{"refused  2", "stored a 1", "hit a", "miss b 0"}));
}

TEST_F(ObserverTest, MayCallTheCacheSoHoldsNoLock) {
  recorder_.reenters = cache_.get();
  ASSERT_OK(cache_->Put("k", "body"));
  ASSERT_EQ(std::get<Lease>(cache_->Acquire("other")).Commit("v").outcome, PutOutcome::kStored);
  EXPECT_EQ(recorder_.Take(),
            (Lines{"stored k 4", "hit k", "miss other 0", "stored other 1", "hit other"}));
}

TEST_F(ObserverTest, IsToldOfCompactions) {
  ASSERT_OK(cache_->Put("k", "body"));
  ASSERT_OK(cache_->Compact());
  ASSERT_OK(cache_->Put("k", "other"));
  ASSERT_OK(cache_->Compact());
  cache_.reset();  // the store's threads are gone
  EXPECT_GT(recorder_.bytes_read(), 0u);
}

class Thrower final : public Observer {
 public:
  void OnHit(const Hit& /*hit*/) override { throw std::runtime_error("no"); }
};

TEST_F(ObserverTest, WhatItThrowsHarmsNobody) {
  Thrower thrower;
  Open(&thrower);
  ASSERT_OK(cache_->Put("k", "v"));
  EXPECT_EQ(cache_->Get("k")->entry.body(), "v");
  cache_.reset();
}

}  // namespace
}  // namespace larder
