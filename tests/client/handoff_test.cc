// Work on a pool that may be busy, and what it gives.
#include "handoff.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <functional>
#include <optional>
#include <thread>

#include "gate.h"
#include "run_coroutine.h"

namespace larder::client {
namespace {

using larder::testing::Gate;
using larder::testing::RunCoroutine;
using Thread = std::thread::id;

class HandoffTest : public ::testing::Test {
 protected:
  ~HandoffTest() override {
    go_.Open();
    pool_.join();
  }
  void OccupyPool() {
    boost::asio::post(pool_, [this] { go_.Wait(); });
  }
  // The thread that `work` is done by.
  boost::asio::awaitable<std::optional<Thread>> Get(std::function<void()> work, Duration timeout) {
    auto tell = [work = std::move(work)] {
      work();
      return std::this_thread::get_id();
    };
    return GetFromPoolOrHere(io_, pool_, std::move(tell), timeout);
  }

  boost::asio::io_context io_;
  boost::asio::thread_pool pool_{1};
  Gate go_;
};

TEST_F(HandoffTest, WhatNoThreadHasBegunInTimeIsDoneHere) {
  OccupyPool();
  const auto by = RunCoroutine(io_, Get([] {}, Duration(1)));
  EXPECT_EQ(by, std::this_thread::get_id());
}

TEST_F(HandoffTest, WhatHasBegunIsWaitedForAndNotDoneTwice) {
  Gate begun;
  int times = 0;
  std::thread opener([&] {
    begun.Wait();
    boost::asio::post(io_, [this] { go_.Open(); });  // others are served meanwhile
  });
  const auto work = [&] {
    ++times;
    begun.Open();
    go_.Wait();
  };
  const auto by = RunCoroutine(io_, Get(work, kForever));
  opener.join();
  EXPECT_NE(by, std::this_thread::get_id());
  EXPECT_TRUE(by.has_value());
  EXPECT_EQ(times, 1);
}

TEST_F(HandoffTest, WhatIsCancelledBeforeItHasBegunIsNotDone) {
  OccupyPool();
  bool done = false;
  std::optional<std::optional<Thread>> by;
  boost::asio::cancellation_signal cancel;
  boost::asio::co_spawn(io_, Get([&] { done = true; }, kForever),
                        boost::asio::bind_cancellation_slot(
                            cancel.slot(), [&](const std::exception_ptr&, auto got) { by = got; }));
  boost::asio::post(io_, [&] { cancel.emit(boost::asio::cancellation_type::terminal); });
  io_.run();
  ASSERT_TRUE(by.has_value());
  EXPECT_EQ(*by, std::nullopt);
  go_.Open();
  pool_.join();
  EXPECT_FALSE(done);
}

}  // namespace
}  // namespace larder::client
