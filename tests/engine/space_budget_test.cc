#include "space_budget.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace larder {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

class SpaceBudgetTest : public ::testing::Test {
 protected:
  // Tables of so many bytes, and nothing else.
  void Hold(std::uint64_t bytes) {
    budget_.use().bytes = static_cast<std::int64_t>(bytes);
    budget_.SetTables(bytes);
  }
  SpaceBudget budget_{256 * kMiB};
  const SpacePlan plan_ = budget_.plan();
};

TEST_F(SpaceBudgetTest, MostOfTheLimitIsForTables) {
  EXPECT_GT(SpacePlan(256 * kMiB).TablesTarget(0), 256 * kMiB * 6 / 10);
  EXPECT_GT(SpacePlan(1024 * kMiB).TablesTarget(0), 1024 * kMiB * 3 / 4);
  EXPECT_GT(SpacePlan(10240 * kMiB).TablesTarget(0), 10240 * kMiB * 9 / 10);
  EXPECT_EQ(plan_.TablesTarget(300 * kMiB), 1u) << "no room left by others";
}

TEST_F(SpaceBudgetTest, PressureRisesWithWhatTablesTake) {
  const std::uint64_t target = budget_.TablesTarget();
  EXPECT_EQ(budget_.pressure(), Pressure::kCalm);
  EXPECT_LT(budget_.Drop(), 0);
  Hold(target * 90 / 100);
  EXPECT_EQ(budget_.pressure(), Pressure::kLearning);
  EXPECT_EQ(budget_.Drop(), 0);
  Hold(target * 96 / 100);
  EXPECT_EQ(budget_.pressure(), Pressure::kEvicting);
  EXPECT_FALSE(budget_.MustSweep());
  EXPECT_NEAR(budget_.Drop(), 0.14, 0.01);
  Hold(target * 101 / 100);
  EXPECT_EQ(budget_.pressure(), Pressure::kSweeping);
  EXPECT_TRUE(budget_.MustSweep());
  Hold(target * 120 / 100);
  EXPECT_EQ(budget_.Drop(), 0.5);
}

TEST_F(SpaceBudgetTest, AValueIsLetInOnlyIfTheNextMergeStillHasItsRoom) {
  Hold(plan_.limit - plan_.slack - plan_.merge_room - 3 * kMiB);
  EXPECT_FALSE(budget_.TryTakeRoom(2 * kMiB)) << "once in the log, once in the table";
  std::optional<SpaceBudget::Room> room(budget_.TryTakeRoom(kMiB));
  EXPECT_TRUE(*room);
  EXPECT_FALSE(budget_.TryTakeRoom(kMiB));
  room.reset();
  EXPECT_TRUE(budget_.TryTakeRoom(kMiB));
  budget_.SetStalled(true);
  EXPECT_FALSE(budget_.TryTakeRoom(100));
  EXPECT_EQ(budget_.pressure(), Pressure::kRefusing);
}

TEST_F(SpaceBudgetTest, LogsCountTwice) {
  Hold(plan_.limit - plan_.slack - plan_.merge_room - 3 * kMiB);
  budget_.use().bytes += static_cast<std::int64_t>(kMiB);
  budget_.use().log_bytes += static_cast<std::int64_t>(kMiB);
  EXPECT_FALSE(budget_.TryTakeRoom(kMiB));
  EXPECT_TRUE(budget_.TryTakeRoom(kMiB / 4));
}

TEST_F(SpaceBudgetTest, AMergeIsToldThatOthersHaveTheRoomAndGiveItBack) {
  Hold(plan_.limit - plan_.slack - plan_.merge_room);
  std::unique_ptr<SpaceBudget::Grant> other = budget_.GrantMerge(plan_.merge_room, true);
  EXPECT_FALSE(other->more_later());
  const std::unique_ptr<SpaceBudget::Grant> squeezed = budget_.GrantMerge(10 * kMiB, false);
  EXPECT_TRUE(squeezed->more_later());
  EXPECT_EQ(squeezed->DropToFit(), 1);
  other.reset();
  EXPECT_LT(budget_.GrantMerge(10 * kMiB, false)->DropToFit(), SpaceBudget::kMostDrop);
  Hold(plan_.limit + kMiB);
  EXPECT_FALSE(budget_.GrantMerge(10 * kMiB, false)->more_later())
      << "what is over the limit has to go";
}

TEST_F(SpaceBudgetTest, AMergeWritesNoMoreThanItWasGranted) {
  Hold(plan_.limit - plan_.slack - 10 * kMiB);
  const std::unique_ptr<SpaceBudget::Grant> grant = budget_.GrantMerge(40 * kMiB, true);
  EXPECT_TRUE(grant->constrained());
  EXPECT_NEAR(grant->DropToFit(), 0.79, 0.01);
  std::uint64_t kept = 0;
  while (grant->Keep(100'000)) kept += 100'000;
  EXPECT_LE(kept, 10 * kMiB);
  EXPECT_GT(kept, 8 * kMiB);
}

// Long keys of small values, into a level above the last: what it drops it writes as deletions.
TEST_F(SpaceBudgetTest, AMergeWritesNoMoreThanItWasGrantedWhereDropsLeaveDeletions) {
  constexpr std::uint64_t kRow = 1100;
  constexpr std::uint64_t kDeletion = 1016;
  constexpr std::uint64_t kRows = 40 * kMiB / kRow;
  Hold(plan_.limit - plan_.slack - 38 * kMiB);
  const std::unique_ptr<SpaceBudget::Grant> grant =
      budget_.GrantMerge(kRows * kRow, true, kRows * kDeletion);
  std::uint64_t written = 0;
  for (std::uint64_t row = 0; row < kRows; ++row) {
    const bool kept = grant->Keep(kRow, kDeletion);
    if (!kept) grant->Spend(kDeletion, kDeletion);
    written += kept ? kRow : kDeletion;
  }
  EXPECT_LE(written, 38 * kMiB);
}

TEST_F(SpaceBudgetTest, RemovalsMayTakeWhatIsKeptFreeForMerges) {
  Hold(plan_.limit - plan_.slack - plan_.merge_room);
  EXPECT_FALSE(budget_.TryTakeRoom(1000));
  EXPECT_TRUE(budget_.TryTakeReserve(1000));
  Hold(plan_.limit - plan_.slack - 1000);
  EXPECT_FALSE(budget_.TryTakeReserve(1000));
}

TEST_F(SpaceBudgetTest, WhatAMergeHasWrittenIsCountedOnce) {
  Hold(100 * kMiB);
  std::unique_ptr<SpaceBudget::Grant> grant = budget_.GrantMerge(40 * kMiB, true);
  EXPECT_FALSE(grant->constrained());
  EXPECT_EQ(grant->DropToFit(), 0);
  ASSERT_TRUE(grant->Keep(30 * kMiB));
  budget_.use().bytes += static_cast<std::int64_t>(28 * kMiB);  // 2 MiB are in buffers
  const std::int64_t left = static_cast<std::int64_t>(plan_.limit - plan_.slack) -
                            budget_.use().bytes - static_cast<std::int64_t>(12 * kMiB);
  const std::unique_ptr<SpaceBudget::Grant> rest = budget_.GrantMerge(plan_.limit, true);
  EXPECT_NEAR(rest->DropToFit(),
              1 - 0.85 * static_cast<double>(left) / static_cast<double>(plan_.limit), 0.001);
}

TEST_F(SpaceBudgetTest, AMergeThatIsNotUrgentLeavesRoomForOneThatIs) {
  Hold(plan_.limit - plan_.slack - plan_.merge_room);
  const std::unique_ptr<SpaceBudget::Grant> sweep = budget_.GrantMerge(plan_.limit, false);
  const std::unique_ptr<SpaceBudget::Grant> merge = budget_.GrantMerge(plan_.merge_room / 2, true);
  EXPECT_FALSE(merge->constrained());
}

TEST_F(SpaceBudgetTest, UnderALoweredLimitMergesGoOnWithHalfOfTheirInput) {
  Hold(200 * kMiB);
  budget_.SetLimit(150 * kMiB);
  EXPECT_EQ(budget_.pressure(), Pressure::kRefusing);
  EXPECT_TRUE(budget_.MustSweep());
  const std::unique_ptr<SpaceBudget::Grant> grant = budget_.GrantMerge(10 * kMiB, false);
  EXPECT_TRUE(grant->Keep(4 * kMiB));
  EXPECT_FALSE(grant->Keep(4 * kMiB));
  budget_.SetLimit(1024 * kMiB);
  EXPECT_EQ(budget_.pressure(), Pressure::kCalm);
}

// What is free stays promised until the last grant ends, so a promise made twice would be seen.
TEST_F(SpaceBudgetTest, MergesThatBeginAtOnceAreNotPromisedTheSameRoom) {
  Hold(plan_.limit - plan_.slack - 1000);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::unique_ptr<SpaceBudget::Grant>> grants(2);
    std::vector<std::thread> threads;
    for (auto& grant : grants) {
      threads.emplace_back([&] { grant = budget_.GrantMerge(1000, true); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(grants[0]->constrained(), grants[1]->constrained());
  }
}

TEST_F(SpaceBudgetTest, TablesFitTwiceWhileTheyTakeLessThanWhatIsFree) {
  Hold(plan_.limit / 3);
  EXPECT_TRUE(budget_.FitsTwice());
  Hold(plan_.limit / 2);
  EXPECT_FALSE(budget_.FitsTwice());
}

}  // namespace
}  // namespace larder
