// What a stream caller behind a JSON flight reads, where providers differ.
#include "waiting_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "caching_fixture.h"
#include "recorded.h"

namespace larder::client {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

// Anthropic's SDKs go by an event's name, and pass over what has none.
class WaitingStreamTest : public CachingFixture {
 protected:
  WaitingStreamTest() {
    dialect_ = "anthropic";
    limits_.silence = Duration(1);
  }
  // An error of Anthropic's, once `go_` is open.
  void ServeLateError() {
    const std::vector<larder::testing::RecordedExchange> errors =
        larder::testing::LoadRecorded("errors");
    const auto recorded = std::find_if(errors.begin(), errors.end(), [](const auto& error) {
      return error.url.starts_with("https://api.anthropic.com") && error.status == 400;
    });
    ASSERT_NE(recorded, errors.end());
    error_ = recorded->response_body;
    Serve([this](UpstreamExchange& exchange) {
      asked_.Open();
      go_.Wait();
      exchange.Answer(400, "application/json", error_);
    });
  }
  // What a stream caller behind a JSON flight reads when that has failed.
  std::string LateEvent() {
    Request request = ChatRequest();
    Request stream = ChatStreamRequest(false);
    request.target = stream.target = "/v1/messages";
    std::future<Answer> leader = Begin(request);
    asked_.Wait();
    auto follower = worker().Open(stream);
    EXPECT_EQ(follower->head().status, 200);
    go_.Open();
    std::string text;
    while (const auto piece = follower->Read()) text += *piece;
    leader.wait();
    return text;
  }

  std::string error_;
};

TEST_F(WaitingStreamTest, AnthropicsLateErrorIsAnEventOfThatName) {
  ServeLateError();
  EXPECT_THAT(LateEvent(), EndsWith("event: error\ndata: " + error_ + "\n\n"));
}

TEST_F(WaitingStreamTest, LateErrorThatIsKeptForAWhileIsAnEventAsWell) {
  config_.cache.negative_ttl = Duration(30'000);
  ServeLateError();
  EXPECT_THAT(LateEvent(), EndsWith("event: error\ndata: " + error_ + "\n\n"));
}

TEST_F(WaitingStreamTest, OurOwnLateErrorIsAnEventOfThatName) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    go_.Wait();
    exchange.Reset();
  });
  EXPECT_THAT(LateEvent(), HasSubstr("event: error\ndata: {\"error\":{\"message\":"));
}

// Callers with credentials of their own, in the form of Bearer tokens, who share what is cached.
class LateStreamTest : public CachingFixture {
 protected:
  LateStreamTest() { limits_.silence = Duration(1); }

  static Request As(const std::string& who, Request request) {
    request.headers.Set("authorization", "Bearer " + who);
    request.scope = "namespace";
    return request;
  }
  // The first request waits for `go_` and is refused then, others are answered as `other` says.
  void ServeRefusal(int status, const FakeUpstream::Handler& other) {
    Serve([this, status, other](UpstreamExchange& exchange) {
      if (exchange.number > 0) return other(exchange);
      asked_.Open();
      go_.Wait();
      exchange.Answer(status, "application/json", R"({"error":{"message":"of key one"}})");
    });
  }
  // What `who` reads, having asked for a stream behind the JSON flight of "one"; which is told how
  // it ended when that has begun.
  std::string ReadBehindOne(const std::string& who) {
    leader_ = Begin(As("one", ChatRequest()));
    asked_.Wait();
    auto follower = worker().Open(As(who, ChatStreamRequest(false)));
    EXPECT_EQ(follower->head().status, 200);
    go_.Open();
    std::string text;
    while (const auto piece = follower->Read()) text += *piece;
    EXPECT_OK(follower->status());
    return text;
  }

  std::future<Answer> leader_;
};

class LateRefusalTest : public LateStreamTest, public ::testing::WithParamInterface<int> {};

TEST_P(LateRefusalTest, IsNotTheOtherCallersWhoAsksForItself) {
  ServeRefusal(GetParam(), AnswerChat);
  const std::string text = ReadBehindOne("two");
  EXPECT_THAT(text, Not(HasSubstr("of key one")));
  EXPECT_THAT(text, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(leader_.get().code, GetParam());
  EXPECT_EQ(upstream_->requests(), 2);
  EXPECT_TRUE(Ask(As("three", ChatStreamRequest(false))).outcome.hit()) << "complete as any other";
}

TEST_P(LateRefusalTest, OfTheOtherCallersOwnIsAnEvent) {
  ServeRefusal(GetParam(), [status = GetParam()](UpstreamExchange& exchange) {
    exchange.Answer(status, "application/json", R"({"error":{"message":"of key two"}})");
  });
  const std::string text = ReadBehindOne("two");
  EXPECT_THAT(text, Not(HasSubstr("of key one")));
  EXPECT_THAT(text, EndsWith("data: {\"error\":{\"message\":\"of key two\"}}\n\n"));
}

TEST_P(LateRefusalTest, IsSharedByWhoHoldsTheSameCredential) {
  ServeRefusal(GetParam(), AnswerChat);
  EXPECT_THAT(ReadBehindOne("one"), EndsWith("data: {\"error\":{\"message\":\"of key one\"}}\n\n"));
  EXPECT_EQ(upstream_->requests(), 1);
}

INSTANTIATE_TEST_SUITE_P(EachOfTheFour, LateRefusalTest, ::testing::Values(401, 402, 403, 429));

TEST_F(LateStreamTest, TroubleOfTheUpstreamIsEverybodys) {
  ServeRefusal(503, AnswerChat);
  EXPECT_THAT(ReadBehindOne("two"), HasSubstr("of key one"));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(LateStreamTest, AnswerThatCannotBecomeEventsMakesTheCallerAskForItself) {
  ServeRefusal(200, AnswerChat);  // JSON, and no answer
  EXPECT_THAT(ReadBehindOne("two"), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(LateStreamTest, StaleAnswerStandsInForALateFailure) {
  config_.cache.stale_if_error = std::chrono::hours(1);
  Reopen();
  Serve([this](UpstreamExchange& exchange) {
    if (exchange.number == 0) return AnswerChat(exchange);
    asked_.Open();
    go_.Wait();
    exchange.Answer(503, "application/json", R"({"error":{"message":"down"}})");
  });
  Request first = As("one", ChatRequest());
  first.directives.ttl = std::chrono::seconds(1);
  EXPECT_EQ(Ask(first).code, 200);
  WaitForStores(1);
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_THAT(ReadBehindOne("two"), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(leader_.get().outcome.detail, "stale-if-error");
}

}  // namespace
}  // namespace larder::client
