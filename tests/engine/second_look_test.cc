// A caller that looked a key up in vain gets its lease only after another has stored the value: it
// looks again, so that nothing is computed twice.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "fake_clock.h"
#include "kill_point.h"
#include "larder/cache.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

using namespace std::chrono_literals;

class SecondLookTest : public ::testing::Test {
 protected:
  SecondLookTest() {
    Result<std::unique_ptr<Cache>> cache =
        Cache::Open({.directory = dir_ / "cache", .clock = &clock_});
    EXPECT_OK(cache);
    cache_ = *std::move(cache);
    kill_point_hook = [](const char* name) {
      if (std::string_view(name) != "looked up") return;
      if (const std::function<void()> act = std::exchange(meanwhile_, nullptr)) act();
    };
  }
  ~SecondLookTest() override { kill_point_hook = nullptr; }

  Acquired Acquire(const ReadOptions& options = {}) { return cache_->Acquire("k", options); }
  void Compute(std::string_view body, const WriteOptions& options = {}) {
    Acquired acquired = Acquire();
    ASSERT_TRUE(std::holds_alternative<Lease>(acquired)) << acquired.index();
    ASSERT_EQ(std::get<Lease>(acquired).Commit(body, options).outcome, PutOutcome::kStored);
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  std::unique_ptr<Cache> cache_;
  // Done once, by the next caller, between its look and its lease.
  inline static std::function<void()> meanwhile_;
};

TEST_F(SecondLookTest, FindsWhatWasStoredMeanwhile) {
  meanwhile_ = [this] { Compute("another's"); };
  Acquired acquired = Acquire();
  ASSERT_TRUE(std::holds_alternative<Hit>(acquired)) << acquired.index();
  EXPECT_EQ(std::get<Hit>(acquired).entry.body(), "another's");
  EXPECT_TRUE(std::holds_alternative<Hit>(Acquire())) << "and its lease is given back";
}

TEST_F(SecondLookTest, DoesNotGoWithoutALeaseWhereTheValueIsInvalidatedAgain) {
  meanwhile_ = [this] {
    Compute("another's", {.tags = {"t"}});
    ASSERT_OK(cache_->Invalidate({.tags = {"t"}}));
  };
  EXPECT_TRUE(std::holds_alternative<Lease>(Acquire()));
}

TEST_F(SecondLookTest, TakesNoValueThatExpiredBeforeIt) {
  meanwhile_ = [this] {
    Compute("another's", {.ttl = 10s});
    clock_.Advance(11s);
  };
  EXPECT_TRUE(std::holds_alternative<Lease>(Acquire()));
}

TEST_F(SecondLookTest, IsNotTakenByWhoWantsItComputedAnyway) {
  meanwhile_ = [this] { Compute("another's"); };
  EXPECT_TRUE(std::holds_alternative<Lease>(Acquire({.newer_than = kRefresh})));
}

TEST_F(SecondLookTest, ServesTheSuccessorOfWhatWasStale) {
  Compute("old", {.ttl = 10s, .stale_while_revalidate = 100s});
  clock_.Advance(11s);
  meanwhile_ = [this] {
    Acquired acquired = cache_->Acquire("k", {.stale_window = StaleWindow::kWhileRevalidate});
    ASSERT_TRUE(std::holds_alternative<StaleHit>(acquired)) << acquired.index();
    ASSERT_EQ(std::get<StaleHit>(acquired).lease.Commit("new").outcome, PutOutcome::kStored);
  };
  Acquired acquired = Acquire({.stale_window = StaleWindow::kWhileRevalidate});
  ASSERT_TRUE(std::holds_alternative<Hit>(acquired)) << acquired.index();
  EXPECT_EQ(std::get<Hit>(acquired).entry.body(), "new");
}

}  // namespace
}  // namespace larder
