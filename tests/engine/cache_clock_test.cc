#include "cache_clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <thread>
#include <vector>

#include "fake_clock.h"

namespace larder {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;

class CacheClockTest : public ::testing::Test {
 protected:
  // Time goes by with a look each second, as under a steward.
  void Run(Duration by) {
    for (; by >= 1s; by -= 1s) {
      system_.Advance(1s);
      Tick();
    }
    system_.Advance(by);
  }
  void Tick() {
    if (clock_.Tick()) clock_.Adopt(clock_.Save());
  }

  FakeClock system_;
  const TimePoint start_ = system_.Wall();
  CacheClock clock_{system_, ClockAnchor{}};
};

TEST_F(CacheClockTest, ANewCacheStartsAtTheWallClock) {
  EXPECT_EQ(clock_.Now(), start_);
  EXPECT_EQ(clock_.Adopted(), start_);
}

TEST_F(CacheClockTest, TimeGoesByWithTheBootClock) {
  system_.Advance(90min + 1ms);
  EXPECT_EQ(clock_.Now(), start_ + 90min + 1ms);
  EXPECT_EQ(clock_.Adopted(), start_ + 90min + 1ms);
}

TEST_F(CacheClockTest, AWallClockSetBackIsIgnored) {
  system_.StepWall(-24h);
  Run(10min);
  EXPECT_EQ(clock_.Now(), start_ + 10min);
  EXPECT_EQ(clock_.Adopted(), start_ + 10min);
}

TEST_F(CacheClockTest, ASmallLeadIsIgnored) {
  system_.StepWall(2s);
  Run(10min);
  EXPECT_EQ(clock_.Now(), start_ + 10min);
}

TEST_F(CacheClockTest, ALeadCountsForReadsAtOnceAndIsAdoptedAfterFiveMinutes) {
  system_.StepWall(1h);
  clock_.Tick();
  EXPECT_EQ(clock_.Now(), start_ + 1h);
  EXPECT_EQ(clock_.Adopted(), start_);
  Run(5min - 1s);
  EXPECT_EQ(clock_.Now(), start_ + 1h + 5min - 1s);
  EXPECT_EQ(clock_.Adopted(), start_ + 5min - 1s);
  Run(1s);
  EXPECT_EQ(clock_.Adopted(), start_ + 1h + 5min);
  system_.StepWall(-1h);
  Run(1s);
  EXPECT_EQ(clock_.Now(), start_ + 1h + 5min + 1s) << "what is adopted is not taken back";
}

// Else entries could be dated by it, and a process that starts after a kill would not know of it.
TEST_F(CacheClockTest, ALeadIsNotAdoptedBeforeItIsSaved) {
  system_.StepWall(1h);
  EXPECT_FALSE(clock_.Tick());
  system_.Advance(5min);
  EXPECT_TRUE(clock_.Tick());
  EXPECT_EQ(clock_.Adopted(), start_ + 5min);
  const ClockAnchor saved = clock_.Save();
  EXPECT_EQ(clock_.Adopted(), start_ + 5min);
  clock_.Adopt(saved);
  EXPECT_EQ(clock_.Adopted(), start_ + 1h + 5min);
  EXPECT_FALSE(clock_.Tick()) << "done";
  system_.StepWall(-1h);
  const CacheClock reopened(system_, saved);
  EXPECT_EQ(reopened.Now(), start_ + 1h + 5min);
}

TEST_F(CacheClockTest, ALeadTakenBackInTimeIsForgotten) {
  system_.StepWall(1h);
  Run(4min);
  system_.StepWall(-1h);
  Run(1s);
  EXPECT_EQ(clock_.Now(), start_ + 4min + 1s);
  system_.StepWall(1h);
  Run(4min);
  EXPECT_EQ(clock_.Adopted(), start_ + 8min + 1s) << "the five minutes start anew";
}

TEST_F(CacheClockTest, ASecondStepWaitsForItsOwnFiveMinutes) {
  system_.StepWall(1h);
  clock_.Tick();
  Run(4min + 50s);
  system_.StepWall(1000h);
  Run(10s);
  EXPECT_EQ(clock_.Adopted(), start_ + 1h + 5min);
  EXPECT_EQ(clock_.Now(), start_ + 1001h + 5min);
  Run(6min);
  EXPECT_EQ(clock_.Adopted(), start_ + 1001h + 11min);
}

TEST_F(CacheClockTest, OnlyTheLeadThatLastedIsAdopted) {
  system_.StepWall(10h);
  clock_.Tick();
  Run(1min);
  system_.StepWall(-9h);
  Run(4min);
  EXPECT_EQ(clock_.Adopted(), start_ + 1h + 5min);
  EXPECT_EQ(clock_.Now(), start_ + 1h + 5min);
}

TEST_F(CacheClockTest, NowLooksByItselfAfterASecond) {
  system_.StepWall(1h);
  EXPECT_EQ(clock_.Now(), start_) << "looked at construction";
  system_.Advance(1001ms);
  EXPECT_EQ(clock_.Now(), start_ + 1h + 1001ms);
}

TEST_F(CacheClockTest, WithinABootTheWallClockHasNoSayInARestart) {
  const ClockAnchor saved = clock_.Save();
  system_.Advance(1min);
  system_.StepWall(-48h);
  const CacheClock reopened(system_, saved);
  EXPECT_EQ(reopened.Now(), start_ + 1min);
  EXPECT_EQ(reopened.Adopted(), start_ + 1min);
}

TEST_F(CacheClockTest, WithinABootALeadAtRestartCountsForReadsOnly) {
  const ClockAnchor saved = clock_.Save();
  system_.StepWall(3h);
  const CacheClock reopened(system_, saved);
  EXPECT_EQ(reopened.Now(), start_ + 3h);
  EXPECT_EQ(reopened.Adopted(), start_);
}

TEST_F(CacheClockTest, AcrossBootsTheWallClockCounts) {
  system_.Advance(1min);
  const ClockAnchor saved = clock_.Save();
  system_.Reboot(2h);
  const CacheClock reopened(system_, saved);
  EXPECT_EQ(reopened.Now(), start_ + 1min + 2h);
}

TEST_F(CacheClockTest, AcrossBootsTimeDoesNotGoBackBehindWhatWasSeen) {
  system_.Advance(1min);
  const ClockAnchor saved = clock_.Save();
  system_.Reboot(0h);
  system_.StepWall(-100h);
  const CacheClock reopened(system_, saved);
  EXPECT_EQ(reopened.Adopted(), start_ + 1min);
  system_.Advance(1h);
  EXPECT_EQ(reopened.Now(), start_ + 1min + 1h);
}

TEST_F(CacheClockTest, SavedNonsenseIsHarmless) {
  const TimePoint extremes[] = {TimePoint::min(), TimePoint(-1ms), TimePoint(),
                                TimePoint(1ms),   start_,          TimePoint::max() - 1ms,
                                TimePoint::max()};
  for (const TimePoint at_boot : extremes) {
    for (const TimePoint last_seen : extremes) {
      const CacheClock clock(system_, {system_.BootId(), at_boot, last_seen});
      EXPECT_GE(clock.Now(), start_);
      EXPECT_LE(clock.Now(), start_ + 10h);
      EXPECT_GE(clock.Adopted(), TimePoint());
      const CacheClock other_boot(system_, {"another boot", at_boot, last_seen});
      EXPECT_EQ(other_boot.Now(), start_);
    }
  }
}

TEST_F(CacheClockTest, ANonsensicalWallClockIsHarmless) {
  for (const TimePoint wall : {TimePoint::min(), TimePoint(-1ms), TimePoint::max() - 1h}) {
    system_.SetWall(wall);
    Run(6min);
    EXPECT_GE(clock_.Now(), start_);
    EXPECT_LT(clock_.Now(), kNever);
    const CacheClock fresh(system_, ClockAnchor{});
    EXPECT_GE(fresh.Now(), TimePoint());
    const CacheClock reopened(system_, clock_.Save());
    EXPECT_GE(reopened.Now(), start_);
  }
}

TEST_F(CacheClockTest, WithoutABootIdEveryRestartCountsAsABoot) {
  struct NoBootId : Clock {
    explicit NoBootId(const Clock& base) : base_(base) {}
    TimePoint Wall() const override { return base_.Wall(); }
    Duration SinceBoot() const override { return base_.SinceBoot(); }
    std::string BootId() const override { return ""; }
    const Clock& base_;
  } system(system_);
  const ClockAnchor saved = CacheClock(system, ClockAnchor{}).Save();
  system_.StepWall(5h);
  EXPECT_EQ(CacheClock(system, saved).Adopted(), start_ + 5h);
}

TEST_F(CacheClockTest, AdoptedNeverGoesBackUnderConcurrentLooks) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      TimePoint last{};
      while (!stop.load()) {
        const TimePoint adopted = clock_.Adopted();
        EXPECT_GE(adopted, last);
        EXPECT_GE(clock_.Now(), adopted);
        last = adopted;
      }
    });
  }
  for (int i = 0; i < 2000; ++i) {
    system_.Advance(1s);
    if (i % 7 == 0) system_.StepWall(i % 2 == 0 ? 9h : -7h);
    Tick();
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
}

TEST(SystemClockTest, AgreesWithTheStandardLibraryAndNamesTheBoot) {
  const Clock& clock = Clock::System();
  const auto now = std::chrono::system_clock::now();
  EXPECT_LT(std::chrono::abs(clock.Wall() - now), 1h);
  const Duration boot = clock.SinceBoot();
  EXPECT_GT(boot, 0ms);
  EXPECT_GE(clock.SinceBoot(), boot);
  EXPECT_EQ(clock.BootId().size(), 36U);
  EXPECT_EQ(clock.BootId(), clock.BootId());
}

}  // namespace
}  // namespace larder
