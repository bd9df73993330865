// What the bodies of all requests together may take: the server by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "in_process_server.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

namespace asio = boost::asio;
using gateway::AnswerHead;
using gateway::RequestMemory;
using gateway::Responder;
using gateway::ServerRequest;

constexpr std::size_t kKiB = 1024;

class RequestMemoryTest : public ::testing::Test {
 protected:
  static gateway::ServerLimits Limits(const std::shared_ptr<RequestMemory>& memory) {
    gateway::ServerLimits limits;
    limits.request_memory = memory;
    return limits;
  }
  ~RequestMemoryTest() override { go_ = true; }

  static std::string Head(std::size_t bytes, const std::string& more = "") {
    return "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + std::to_string(bytes) + "\r\n" +
           more + "\r\n";
  }
  WireClient Post(std::size_t bytes) const {
    WireClient caller(server_.url());
    caller.Send(Head(bytes) + std::string(bytes, 'x'));
    return caller;
  }
  // Until so much is taken.
  void WaitForTaken(std::uint64_t bytes) const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (memory_->taken_bytes() != bytes) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << memory_->taken_bytes() << " are taken";
      std::this_thread::yield();
    }
  }
  static void ExpectNoRoom(WireClient& caller) {
    const WireAnswer answer = caller.Read();
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.header("retry-after"), "1");
    EXPECT_EQ(answer.body,
              "too many large requests at once: their bodies would take over "
              "gateway.max_request_memory_bytes 1048576");
    EXPECT_TRUE(caller.IsClosed());
  }

  const std::shared_ptr<RequestMemory> memory_ = std::make_shared<RequestMemory>(1024 * kKiB);
  std::atomic<bool> go_ = true;
  std::atomic<std::uint64_t> most_ = 0;  // that was seen taken
  // Tells the size of the body, once it may.
  InProcessServer server_{
      [this](ServerRequest& request, Responder& responder) -> asio::awaitable<void> {
        most_ = std::max<std::uint64_t>(most_, memory_->taken_bytes());
        asio::steady_timer timer(co_await asio::this_coro::executor);
        while (!go_) {
          timer.expires_after(std::chrono::milliseconds(1));
          co_await timer.async_wait(asio::use_awaitable);
        }
        AnswerHead head{200, {}};
        std::vector<SharedBytes> body;
        body.emplace_back(std::to_string(request.body.size()));
        co_await responder.Send(std::move(head), std::move(body));
      },
      Limits(memory_)};
};

TEST_F(RequestMemoryTest, BodiesOfRequestsUnderWayAreCountedUntilTheyAreAnswered) {
  go_ = false;
  WireClient first = Post(400 * kKiB);
  WireClient second = Post(400 * kKiB);
  WaitForTaken(800 * kKiB);
  WireClient third = Post(400 * kKiB);
  ExpectNoRoom(third);
  WireClient small = Post(kKiB);
  go_ = true;
  for (WireClient* caller : {&first, &second}) EXPECT_EQ(caller->Read().body, "409600");
  EXPECT_EQ(small.Read().body, "1024") << "what fits is taken";
  WaitForTaken(0);
  EXPECT_EQ(Post(1024 * kKiB).Read().status, 200) << "all of it, alone";
  EXPECT_EQ(first.Ask("POST", "/", "again").body, "5") << "the connection stays";
}

TEST_F(RequestMemoryTest, BodiesThatAreNotWholeYetCountWithWhatHasCome) {
  WireClient slow(server_.url());
  slow.Send(Head(800 * kKiB) + std::string(600 * kKiB, 'x'));
  WaitForTaken(600 * kKiB);
  WireClient chunked(server_.url());
  chunked.Send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n80000\r\n");
  chunked.Send(std::string(512 * kKiB, 'x'));
  ExpectNoRoom(chunked);
  slow.Send(std::string(200 * kKiB, 'x'));
  EXPECT_EQ(slow.Read().body, "819200");
}

TEST_F(RequestMemoryTest, WhatWouldNotFitIsRefusedBeforeItIsSent) {
  go_ = false;
  WireClient first = Post(800 * kKiB);
  WaitForTaken(800 * kKiB);
  WireClient polite(server_.url());
  polite.Send(Head(400 * kKiB, "expect: 100-continue\r\n"));
  ExpectNoRoom(polite);
}

TEST_F(RequestMemoryTest, WhoAnnouncesMuchAndSendsNothingKeepsNobodyOut) {
  std::vector<WireClient> idle;
  for (int i = 0; i < 10; ++i) {
    idle.emplace_back(server_.url());
    idle.back().Send(Head(1000 * kKiB) + "x");
  }
  WaitForTaken(10);
  EXPECT_EQ(Post(1000 * kKiB).Read().status, 200);
}

TEST_F(RequestMemoryTest, WhoHangsUpGivesBackWhatItHad) {
  {
    WireClient caller(server_.url());
    caller.Send(Head(800 * kKiB) + std::string(600 * kKiB, 'x'));
    WaitForTaken(600 * kKiB);
  }
  WaitForTaken(0);
  go_ = false;
  Post(800 * kKiB);  // and is gone while it is worked on
  WaitForTaken(0);
}

TEST_F(RequestMemoryTest, ManyLargeOnesAtOnceStayWithinIt) {
  std::atomic<int> answered = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 40; ++i) {
    callers.emplace_back([&] {
      WireClient caller = Post(300 * kKiB);
      const int status = caller.Read().status;
      if (status == 200) ++answered;
      EXPECT_TRUE(status == 200 || status == 503 || status == 0) << status;  // 0: it was lost
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_GT(answered, 0);
  EXPECT_LE(most_, 1024 * kKiB);
  WaitForTaken(0);
}

}  // namespace
}  // namespace larder::testing
