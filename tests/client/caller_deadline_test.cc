#include "caller_deadline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <optional>
#include <string>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using std::chrono::steady_clock;
using testing::HasCode;

class CallerDeadlineTest : public CachingFixture {
 protected:
  // The first piece of a stream at once; all else when `go_` is open.
  void ServeWhenTold() {
    Serve([this](UpstreamExchange& exchange) {
      asked_.Open();
      if (exchange.body.find("\"stream\":true") == std::string::npos) {
        go_.Wait();
        return AnswerChat(exchange);
      }
      exchange.BeginChunks(200, "text/event-stream");
      const std::vector<std::string> events = ChatEvents(true);
      exchange.Chunk(events[0]);
      go_.Wait();
      for (std::size_t i = 1; i < events.size(); ++i) exchange.Chunk(events[i]);
      exchange.EndChunks();
    });
  }
  static Request By(steady_clock::time_point deadline, Request request) {
    request.deadline = deadline;
    return request;
  }
};

TEST_F(CallerDeadlineTest, FollowerEndsAtItsOwnAndTheLeaderGoesOn) {
  ServeWhenTold();
  std::future<Answer> leader = Begin(ChatRequest());
  ASSERT_TRUE(asked_.Wait());
  for (const Request& request : {ChatRequest(), ChatStreamRequest(true)}) {
    const Answer late = worker(1).Ask(By(steady_clock::now(), request));
    EXPECT_THAT(late.status, HasCode(StatusCode::kDeadlineExceeded));
    EXPECT_EQ(late.status.message(), "the caller's deadline has passed");
  }
  go_.Open();
  EXPECT_EQ(leader.get().body, ChatJson());
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CallerDeadlineTest, LeaderPastItsOwnLeavesTheFetchToItsFollowers) {
  ServeWhenTold();
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(500);
  std::future<Answer> leader = Begin(By(deadline, ChatRequest()));
  ASSERT_TRUE(asked_.Wait());
  std::future<Answer> follower = worker(1).Begin(ChatRequest());
  EXPECT_THAT(leader.get().status, HasCode(StatusCode::kDeadlineExceeded));
  go_.Open();
  EXPECT_EQ(follower.get().body, ChatJson());
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CallerDeadlineTest, StreamIsCutAtItAndStoredWhole) {
  ServeWhenTold();
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(500);
  auto caller = worker().Open(By(deadline, ChatStreamRequest(true)));
  EXPECT_EQ(caller->Read(), ChatEvents(true)[0]);
  EXPECT_EQ(caller->Read(), std::nullopt);
  EXPECT_THAT(caller->status(), HasCode(StatusCode::kDeadlineExceeded));
  go_.Open();
  WaitForStores(1);
  EXPECT_EQ(Ask(ChatStreamRequest(true)).outcome.forward, Forward::kNone);
  EXPECT_EQ(upstream_->requests(), 1);
}

}  // namespace
}  // namespace larder::client
