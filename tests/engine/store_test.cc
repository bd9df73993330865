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

class CompactionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    StoreOptions options;
    options.path = directory_.path() + "/store";
    options.budget = &budget_;
    options.on_merged = [this](const MergeResult&, const std::shared_ptr<RunningMerge>&) {
      if (compactions_.fetch_add(1) == 0) compacted_.set_value();
    };
    Result<std::unique_ptr<Store>> store = Store::Open(options);
    ASSERT_OK(store.status());
    store_ = *std::move(store);
  }

  const testing::TempDir directory_;
  std::promise<void> compacted_;
  std::atomic<int> compactions_{0};
  SpaceBudget budget_{std::uint64_t{1} << 30};
  std::unique_ptr<Store> store_;
};

TEST_F(CompactionTest, CompactionsWaitUntilTheyAreStarted) {
  for (int file = 0; file < 8; ++file) {  // twice as many as are merged
    ASSERT_OK(store_->Put("key", std::to_string(file), false));
    ASSERT_OK(store_->Flush());
  }
  EXPECT_EQ(compactions_, 0);
  store_->StartCompactions();
  compacted_.get_future().wait();
  PinnedRow row;
  ASSERT_EQ(store_->Get("key", row), ReadOutcome::kFound);
  EXPECT_EQ(row.bytes(), "7");
}

TEST_F(CompactionTest, HeldCompactionsWaitUntilTheLastHoldIsReleased) {
  store_->StartCompactions();
  ASSERT_OK(store_->HoldCompactions());
  ASSERT_OK(store_->HoldCompactions());
  for (int file = 0; file < 5; ++file) {
    ASSERT_OK(store_->Put("key", std::to_string(file), false));
    ASSERT_OK(store_->Flush());
    store_->StartCompactions();  // as the steward, and who writes
  }
  store_->ReleaseCompactions();
  store_->StartCompactions();
  EXPECT_EQ(store_->Files().size(), 5u);
  EXPECT_EQ(compactions_, 0);
  store_->ReleaseCompactions();
  compacted_.get_future().wait();
}

TEST_F(CompactionTest, WhileTheyAreHeldSoManyFilesAreTooManyAsElse) {
  store_->StartCompactions();
  ASSERT_OK(store_->HoldCompactions());
  int files = 0;
  for (; !store_->IsStalled(); ++files) {
    ASSERT_LT(files, 100);
    ASSERT_OK(store_->Put("key", std::to_string(files), false));
    ASSERT_OK(store_->Flush());
  }
  EXPECT_EQ(store_->Files().size(), static_cast<std::size_t>(files));
  store_->ReleaseCompactions();
  compacted_.get_future().wait();
  EXPECT_FALSE(store_->IsStalled());
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
