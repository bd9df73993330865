#include "limiting_service.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <functional>
#include <string>
#include <vector>

#include "body_pieces.h"

namespace larder::client {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""h;

// Answers at once with a body of one piece.
class PromptUpstream final : public HttpService {
 public:
  boost::asio::awaitable<Result<Response>> Send(Request request) override {
    sent_.push_back(request.target);
    if (request.target == "/fails") co_return Status(StatusCode::kUnavailable, "no connection");
    Response response;
    std::vector<SharedBytes> pieces;
    pieces.emplace_back(std::string("x"));
    response.body = std::make_unique<BodyPieces>(std::move(pieces));
    co_return response;
  }

  std::vector<std::string> sent_;
};

class LimitingServiceTest : public ::testing::Test {
 protected:
  struct Call {
    std::optional<Result<Response>> result;
    boost::asio::cancellation_signal cancel;
  };

  void Limit(const CallLimit& limit) {
    limits_.emplace(limit);
    service_.emplace(io_, upstream_, limits_->Of("p"));
  }

  static boost::asio::awaitable<void> Run(HttpService& service, Request request, Call& call) {
    Result<Response> result = co_await service.Send(std::move(request));
    call.result.emplace(std::move(result));
  }
  static boost::asio::awaitable<void> ReadPiece(BodyReader& body) {
    const Result<SharedBytes> piece = co_await body.Read();
    EXPECT_TRUE(piece.ok());
  }

  // Begins it and runs all that can run now.
  std::unique_ptr<Call> Begin(const std::string& target) {
    auto call = std::make_unique<Call>();
    Request request;
    request.target = target;
    boost::asio::co_spawn(
        io_, Run(*service_, std::move(request), *call),
        boost::asio::bind_cancellation_slot(call->cancel.slot(), boost::asio::detached));
    RunReady();
    return call;
  }
  void RunReady() {
    io_.restart();
    while (io_.poll() > 0) io_.restart();
  }
  StatusCode CodeOf(const Call& call) const { return call.result->status().code(); }
  CallStats stats() const { return limits_->Snapshot().at("p"); }

  boost::asio::io_context io_;
  std::shared_ptr<PromptUpstream> upstream_ = std::make_shared<PromptUpstream>();
  std::optional<CallLimits> limits_;
  std::optional<LimitingService> service_;
};

TEST_F(LimitingServiceTest, CallsOverTheLimitWaitInOrderUntilAnAnswerIsGone) {
  Limit({.max_concurrent = 1, .max_queued = 2, .max_wait = 1h});
  auto first = Begin("/1");
  ASSERT_TRUE(first->result && first->result->ok());
  auto second = Begin("/2");
  auto third = Begin("/3");
  EXPECT_FALSE(second->result || third->result);
  EXPECT_EQ(stats().queued, 2U);
  first.reset();  // its body was never read, and is dropped
  RunReady();
  EXPECT_TRUE(second->result);
  EXPECT_FALSE(third->result);
  second.reset();
  RunReady();
  EXPECT_TRUE(third->result);
  EXPECT_EQ(upstream_->sent_, (std::vector<std::string>{"/1", "/2", "/3"}));
  third.reset();
  EXPECT_EQ(stats().running, 0U);
}

TEST_F(LimitingServiceTest, CallThatFindsTheQueueFullIsRefusedAtOnce) {
  Limit({.max_concurrent = 1, .max_queued = 1, .max_wait = 1h});
  const auto first = Begin("/1");
  const auto second = Begin("/2");
  const auto third = Begin("/3");
  ASSERT_TRUE(third->result);
  EXPECT_EQ(CodeOf(*third), StatusCode::kResourceExhausted);
  EXPECT_EQ(stats().refused, 1U);
  EXPECT_EQ(stats().queued, 1U);
  EXPECT_FALSE(second->result);
  second->cancel.emit(boost::asio::cancellation_type::terminal);
  RunReady();
}

TEST_F(LimitingServiceTest, TurnThatDoesNotComeInTimeIsRefusedAndGivesItsPlaceUp) {
  Limit({.max_concurrent = 1, .max_queued = 1, .max_wait = 1ms});
  auto first = Begin("/1");
  const auto second = Begin("/2");
  io_.restart();
  io_.run();
  ASSERT_TRUE(second->result);
  EXPECT_EQ(CodeOf(*second), StatusCode::kResourceExhausted);
  EXPECT_EQ(stats().queued, 0U);
  first.reset();
  EXPECT_EQ(stats().running, 0U);
  EXPECT_EQ(upstream_->sent_.size(), 1U);
}

TEST_F(LimitingServiceTest, CallerThatGivesUpIsPassedOver) {
  Limit({.max_concurrent = 1, .max_queued = 2, .max_wait = 1h});
  auto first = Begin("/1");
  const auto second = Begin("/2");
  const auto third = Begin("/3");
  second->cancel.emit(boost::asio::cancellation_type::terminal);
  RunReady();
  ASSERT_TRUE(second->result);
  EXPECT_EQ(CodeOf(*second), StatusCode::kCancelled);
  first.reset();
  RunReady();
  EXPECT_TRUE(third->result);
  EXPECT_EQ(upstream_->sent_, (std::vector<std::string>{"/1", "/3"}));
}

TEST_F(LimitingServiceTest, FailedCallAndReadBodyGiveTheirPermitBack) {
  Limit({.max_concurrent = 1, .max_queued = 0, .max_wait = 1h});
  EXPECT_EQ(CodeOf(*Begin("/fails")), StatusCode::kUnavailable);
  const auto call = Begin("/1");
  ASSERT_TRUE(call->result && call->result->ok());
  EXPECT_EQ(stats().running, 1U);
  for (int i = 0; i < 2; ++i) {
    boost::asio::co_spawn(io_, ReadPiece(*(*call->result)->body), boost::asio::detached);
    RunReady();
  }
  EXPECT_EQ(stats().running, 0U) << "the body was read to its end";
}

TEST(CallLimitsTest, EachProviderHasItsOwn) {
  CallLimits limits({.max_concurrent = 1});
  const auto a = limits.Of("a")->TryEnter();
  EXPECT_NE(a, nullptr);
  EXPECT_EQ(limits.Of("a")->TryEnter(), nullptr);
  EXPECT_NE(limits.Of("b")->TryEnter(), nullptr);
}

}  // namespace
}  // namespace larder::client
