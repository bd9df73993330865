#include "write_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <new>
#include <utility>

namespace larder {
namespace {

using Added = WriteQueue::Added;

constexpr std::chrono::hours kEver{1};

class WriteQueueTest : public ::testing::Test {
 protected:
  WriteQueueTest() { queue_.Start(); }
  ~WriteQueueTest() override { LetGo(); }
  void LetGo() {
    if (!std::exchange(let_go_, true)) go_.set_value();
  }
  // Keeps the queue's thread busy until LetGo, as a disk that hangs does.
  Added Hang(std::uint64_t bytes) {
    return queue_.Add(bytes, [gone = gone_] { gone.wait(); });
  }

  std::promise<void> go_;
  const std::shared_future<void> gone_ = go_.get_future().share();
  bool let_go_ = false;
  int done_ = 0;
  WriteQueue queue_{100};
};

TEST_F(WriteQueueTest, IntoAnEmptyQueueAnySizeGoes) {
  EXPECT_EQ(queue_.Add(1000, [this] { ++done_; }), Added::kYes);
  EXPECT_TRUE(queue_.Wait(kEver));
  EXPECT_EQ(done_, 1);
}

TEST_F(WriteQueueTest, FullQueueTakesNothingAndHoldsNobodyUp) {
  ASSERT_EQ(Hang(60), Added::kYes);
  EXPECT_EQ(Hang(40), Added::kYes);
  EXPECT_EQ(Hang(1), Added::kFull) << "and not waited for the disk";
  EXPECT_EQ(Hang(1000), Added::kFull);
  LetGo();
  EXPECT_TRUE(queue_.Wait(kEver));
  EXPECT_EQ(Hang(1), Added::kYes);
}

TEST_F(WriteQueueTest, ALimitThatChangesHoldsFromThenOn) {
  ASSERT_EQ(Hang(60), Added::kYes);
  queue_.SetLimit(70);
  EXPECT_EQ(Hang(20), Added::kFull);
  queue_.SetLimit(90);
  EXPECT_EQ(Hang(20), Added::kYes);
  queue_.SetLimit(10);
  EXPECT_EQ(Hang(1), Added::kFull);
  LetGo();
  EXPECT_TRUE(queue_.Wait(kEver));
}

TEST_F(WriteQueueTest, WorkThatThrowsEndsNothingElse) {
  ASSERT_EQ(queue_.Add(1, [] { throw std::bad_alloc(); }), Added::kYes);
  ASSERT_EQ(queue_.Add(1, [this] { ++done_; }), Added::kYes);
  EXPECT_TRUE(queue_.Wait(kEver));
  EXPECT_EQ(done_, 1);
}

TEST_F(WriteQueueTest, StoppedQueueTakesNothing) {
  queue_.Stop();
  EXPECT_EQ(queue_.Add(1, [] {}), Added::kNotRunning);
}

}  // namespace
}  // namespace larder
