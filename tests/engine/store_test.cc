#include "store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "status_matchers.h"
#include "temp_dir.h"

namespace larder {
namespace {

TEST(StoreTest, CompactionsWaitUntilTheyAreStarted) {
  const testing::TempDir directory;
  std::promise<void> compacted;
  std::atomic<int> compactions{0};
  SpaceBudget budget(std::uint64_t{1} << 30);
  StoreOptions options;
  options.path = directory.path() + "/store";
  options.budget = &budget;
  options.on_merged = [&](const MergeResult&, const std::shared_ptr<RunningMerge>&) {
    if (compactions.fetch_add(1) == 0) compacted.set_value();
  };
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  ASSERT_OK(store.status());
  for (int file = 0; file < 8; ++file) {  // twice as many as are merged
    ASSERT_OK((*store)->Put("key", std::to_string(file), false));
    ASSERT_OK((*store)->Flush());
  }
  EXPECT_EQ(compactions, 0);
  (*store)->StartCompactions();
  compacted.get_future().wait();
  PinnedRow row;
  ASSERT_EQ((*store)->Get("key", row), ReadOutcome::kFound);
  EXPECT_EQ(row.bytes(), "7");
}

TEST(StoreTest, HeldCompactionsWaitUntilTheLastHoldIsReleased) {
  const testing::TempDir directory;
  std::promise<void> compacted;
  std::atomic<int> compactions{0};
  SpaceBudget budget(std::uint64_t{1} << 30);
  StoreOptions options;
  options.path = directory.path() + "/store";
  options.budget = &budget;
  options.on_merged = [&](const MergeResult&, const std::shared_ptr<RunningMerge>&) {
    if (compactions.fetch_add(1) == 0) compacted.set_value();
  };
  Result<std::unique_ptr<Store>> store = Store::Open(options);
  ASSERT_OK(store.status());
  (*store)->StartCompactions();
  ASSERT_OK((*store)->HoldCompactions());
  ASSERT_OK((*store)->HoldCompactions());
  for (int file = 0; file < 5; ++file) {
    ASSERT_OK((*store)->Put("key", std::to_string(file), false));
    ASSERT_OK((*store)->Flush());
    (*store)->StartCompactions();  // as the steward, and who writes
  }
  (*store)->ReleaseCompactions();
  (*store)->StartCompactions();
  EXPECT_EQ((*store)->Files().size(), 5u);
  EXPECT_EQ(compactions, 0);
  (*store)->ReleaseCompactions();
  compacted.get_future().wait();
}

TEST(StoreTest, FilesOfManyShortLivesAreMergedWithoutBeingAskedTo) {
  const testing::TempDir directory;
  std::promise<void> compacted;
  std::atomic<int> compactions{0};
  for (int life = 0; compactions == 0; ++life) {
    ASSERT_LT(life, 14);
    SpaceBudget budget(std::uint64_t{1} << 30);
    StoreOptions options;
    options.path = directory.path() + "/store";
    options.budget = &budget;
    options.on_merged = [&](const MergeResult&, const std::shared_ptr<RunningMerge>&) {
      if (compactions.fetch_add(1) == 0) compacted.set_value();
    };
    const Result<std::unique_ptr<Store>> store = Store::Open(options);
    ASSERT_OK(store.status());
    if (life >= 12) {  // so many files that it takes no more before they are merged
      compacted.get_future().wait();
      break;
    }
    ASSERT_OK((*store)->Put("key", std::to_string(life), false));
    ASSERT_OK((*store)->Flush());
  }
}

}  // namespace
}  // namespace larder
