#include "store_work.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "gate.h"
#include "run_coroutine.h"

namespace larder::client {
namespace {

using namespace std::chrono_literals;
using larder::testing::Gate;

class StoreWorkTest : public ::testing::Test {
 protected:
  ~StoreWorkTest() override {
    store_answers_.Open();
    pool_.join();
  }
  std::optional<int> Run(std::function<int()> work, Duration timeout = 1min) {
    return larder::testing::RunCoroutine(io_, RunOnStore(io_, threads_, std::move(work), timeout));
  }
  void HangOnce() {
    const auto hangs = [this] {
      store_answers_.Wait();
      return 1;
    };
    EXPECT_EQ(Run(hangs, 10ms), std::nullopt);
  }

  boost::asio::io_context io_;
  boost::asio::thread_pool pool_{1};
  StoreThreads::Clock::time_point now_{};
  const std::shared_ptr<StoreThreads> threads_ =
      std::make_shared<StoreThreads>(pool_, [this] { return now_; });
  Gate store_answers_;
};

TEST_F(StoreWorkTest, GivesWhatTheWorkReturns) {
  EXPECT_EQ(Run([] { return 7; }), 7);
  EXPECT_FALSE(threads_->are_stuck());
}

TEST_F(StoreWorkTest, NobodyWaitsForAStoreThatDoesNotAnswerOthers) {
  HangOnce();
  EXPECT_TRUE(threads_->are_stuck());
  EXPECT_EQ(Run([] { return 2; }), std::nullopt) << "at once, and not in a minute";
  EXPECT_EQ(threads_->unfinished(), 1U) << "it was not given to them";
  store_answers_.Open();
  while (threads_->unfinished() > 0) std::this_thread::yield();
  EXPECT_FALSE(threads_->are_stuck());
  EXPECT_EQ(Run([] { return 3; }), 3);
}

// A batch of thousands, or a look at all recordings.
TEST_F(StoreWorkTest, WorkThatTakesLongWhileOthersAreAnsweredHoldsUpNobody) {
  const std::uint64_t large = threads_->NoteBegin();
  EXPECT_EQ(Run([] { return 2; }), 2);
  threads_->NoteTimeout(large);
  EXPECT_FALSE(threads_->are_stuck());
  EXPECT_EQ(Run([] { return 3; }), 3);
  threads_->NoteEnd();
}

TEST_F(StoreWorkTest, OneAttemptEverySoOftenFindsOutThatOthersWouldBeAnswered) {
  threads_->NoteTimeout(threads_->NoteBegin());  // what hangs is no thread of the pool's
  now_ += 199ms;
  EXPECT_EQ(Run([] { return 2; }), std::nullopt);
  now_ += 1ms;
  EXPECT_EQ(Run([] { return 3; }), 3);
  EXPECT_EQ(Run([] { return 4; }), 4) << "and so are all";
  threads_->NoteEnd();
}

TEST_F(StoreWorkTest, AttemptsAreOneAtATimeAndFew) {
  HangOnce();
  for (int i = 1; i < 8; ++i) {
    EXPECT_FALSE(threads_->MayBegin());
    now_ += 200ms;
    HangOnce();
    EXPECT_EQ(threads_->unfinished(), static_cast<std::uint64_t>(i) + 1);
  }
  now_ += 1h;
  EXPECT_FALSE(threads_->MayBegin()) << "they would wait behind all those";
}

TEST_F(StoreWorkTest, WorkThatThrowsLeavesThemFree) {
  EXPECT_EQ(Run([]() -> int { throw std::runtime_error("no"); }, 10ms), std::nullopt);
  EXPECT_FALSE(threads_->are_stuck());
  EXPECT_EQ(Run([] { return 3; }), 3);
}

}  // namespace
}  // namespace larder::client
