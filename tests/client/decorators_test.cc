// Decorators that are used alone, over a service that is no transport.
#include "larder/client/asio/decorators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "body_pieces.h"
#include "run_coroutine.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using larder::testing::HasCode;
using larder::testing::RunCoroutine;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using std::chrono_literals::operator""h;

// Answers what it is told to, at once.
class FakeService final : public HttpService {
 public:
  explicit FakeService(int status = 200, std::string body = "own")
      : status_(status), body_(std::move(body)) {}

  boost::asio::awaitable<Result<Response>> Send(Request request) override {
    models_.push_back(json::parse(request.body, nullptr, false).value("model", "none"));
    if (status_ == 0) co_return Status(StatusCode::kUnavailable, "no connection");
    Response response;
    response.head.status = status_;
    std::vector<SharedBytes> pieces;
    pieces.emplace_back(std::string(body_));
    response.body = std::make_unique<BodyPieces>(std::move(pieces));
    co_return response;
  }

  int status_;  // 0: there is no answer
  const std::string body_;
  std::vector<std::string> models_;  // that it was asked for
};

Request Chat(const json& more = json::object()) {
  Request request;
  request.target = "/v1/chat/completions";
  json body = {{"model", "gpt-4o"}, {"messages", json::array()}};
  body.update(more);
  request.body = body.dump();
  return request;
}

class DecoratorsTest : public ::testing::Test {
 protected:
  // "200 body", or what is wrong.
  std::string Ask(HttpService& service, Request request = Chat()) {
    return RunCoroutine(io_, Fetch(service, std::move(request)));
  }
  static boost::asio::awaitable<std::string> Fetch(HttpService& service, Request request) {
    Result<Response> response = co_await service.Send(std::move(request));
    if (!response.ok()) co_return response.status().message();
    const Result<SharedBytes> piece = co_await response->body->Read();
    EXPECT_TRUE(piece.ok());
    co_return std::to_string(response->head.status) + " " + std::string(piece->view());
  }

  boost::asio::io_context io_;
};

class MakeFallbackTest : public DecoratorsTest {
 protected:
  MakeFallbackTest() { config_.providers["p"].dialect = "openai"; }

  void Use() {
    std::vector<Fallback> others = {{first_, {{"gpt-4o", "gpt-elsewhere"}}}, {second_, {}}};
    Result<std::shared_ptr<HttpService>> made =
        MakeFallback(config_, "p", own_, std::move(others), board_);
    ASSERT_OK(made);
    service_ = *std::move(made);
  }

  ClientConfig config_;
  std::shared_ptr<HealthBoard> board_ = std::make_shared<HealthBoard>();
  std::shared_ptr<FakeService> own_ = std::make_shared<FakeService>();
  std::shared_ptr<FakeService> first_ = std::make_shared<FakeService>(200, "first");
  std::shared_ptr<FakeService> second_ = std::make_shared<FakeService>(200, "second");
  std::shared_ptr<HttpService> service_;
};

TEST_F(MakeFallbackTest, OthersAreNotAskedWhileTheFirstAnswers) {
  Use();
  for (const int status : {200, 400, 404}) {
    own_->status_ = status;
    EXPECT_EQ(Ask(*service_), std::to_string(status) + " own");
  }
  EXPECT_THAT(first_->models_, IsEmpty());
  EXPECT_EQ(board_->Snapshot().at("p").fallbacks, 0U);
}

TEST_F(MakeFallbackTest, OthersAreAskedInTheirOrderByTheirOwnNamesForTheModel) {
  Use();
  for (const int status : {0, 429, 503}) {
    own_->status_ = status;
    EXPECT_EQ(Ask(*service_), "200 first");
  }
  EXPECT_THAT(first_->models_, ElementsAre("gpt-elsewhere", "gpt-elsewhere", "gpt-elsewhere"));
  EXPECT_EQ(Ask(*service_, Chat({{"model", "o1"}})), "200 first");
  EXPECT_EQ(first_->models_.back(), "o1") << "a name that is not mapped stays";
  EXPECT_THAT(second_->models_, IsEmpty());
  first_->status_ = 401;
  EXPECT_EQ(Ask(*service_), "200 second");
  EXPECT_THAT(second_->models_, ElementsAre("gpt-4o"));
  EXPECT_EQ(board_->Snapshot().at("p").fallbacks, 6U);
}

TEST_F(MakeFallbackTest, TheFirstsOwnErrorStandsWhereNobodyAnswers) {
  Use();
  first_->status_ = 500;
  second_->status_ = 0;
  own_->status_ = 503;
  EXPECT_EQ(Ask(*service_), "503 own");
  own_->status_ = 0;
  EXPECT_EQ(Ask(*service_), "no connection");
}

TEST_F(MakeFallbackTest, WhatDependsOnStateIsForNobodyElse) {
  Use();
  own_->status_ = 500;
  EXPECT_EQ(Ask(*service_, Chat({{"store", true}})), "500 own");
  Request files = Chat();
  files.target = "/v1/files";
  EXPECT_EQ(Ask(*service_, files), "500 own");
  EXPECT_THAT(first_->models_, IsEmpty());
}

TEST_F(MakeFallbackTest, ABodyThatWasNotReadIsForNobodyElse) {
  Use();
  own_->status_ = 500;
  std::string many;
  for (int i = 0; i < 600'000; ++i) many += "1,";
  for (const std::string& more :
       {std::string("\"store\":true,\"store\":true"), "\"x\":[" + many + "1]",
        std::string("\"seed\":12345678901234567890")}) {
    Request request = Chat();
    request.body = "{\"model\":\"gpt-4o\",\"messages\":[]," + more + "}";
    EXPECT_EQ(Ask(*service_, request), "500 own") << more.substr(0, 30);
  }
  EXPECT_THAT(first_->models_, IsEmpty());
}

TEST_F(MakeFallbackTest, ABatchTooLargeToBeCachedWasReadAndMeansTheSame) {
  Use();
  own_->status_ = 500;
  constexpr int kMoreThanIsCached = 20'000;
  Request batch;
  batch.target = "/v1/embeddings";
  batch.body =
      json({{"model", "e"}, {"input", std::vector<std::string>(kMoreThanIsCached, "a")}}).dump();
  EXPECT_EQ(Ask(*service_, batch), "200 first");
}

TEST_F(MakeFallbackTest, PolicySaysWhichPostsOfPlainHttpMeanTheSameToOthers) {
  config_.providers["p"].dialect = "http";
  PolicyRule rule;
  rule.match.path = {"/ask"};
  rule.cache_stateful = true;
  config_.policy = Policy({rule});
  Use();
  own_->status_ = 500;
  Request post = Chat();
  post.target = "/ask";
  EXPECT_EQ(Ask(*service_, post), "200 first");
  post.target = "/order";
  EXPECT_EQ(Ask(*service_, post), "500 own");
}

TEST_F(MakeFallbackTest, ABoardIsNotNeededButTheProviderIs) {
  board_ = nullptr;
  Use();
  own_->status_ = 500;
  EXPECT_EQ(Ask(*service_), "200 first");
  EXPECT_THAT(MakeFallback(config_, "nobody", own_, {}), HasCode(StatusCode::kInvalidArgument));
  config_.providers["p"].dialect = "klingon";
  EXPECT_THAT(MakeFallback(config_, "p", own_, {}), HasCode(StatusCode::kInvalidArgument));
}

class MakeLimitingTest : public DecoratorsTest {
 protected:
  // Of the provider of that name.
  std::shared_ptr<HttpService> Limited(const char* name) {
    ProviderConfig provider;
    provider.name = name;
    return MakeLimiting(io_, provider, inner_, limits_);
  }

  std::shared_ptr<FakeService> inner_ = std::make_shared<FakeService>();
  CallLimits limits_{{.max_concurrent = 1, .max_queued = 0, .max_wait = 1h}};
};

TEST_F(MakeLimitingTest, CallsOfOneProviderCountTogetherWhoeverMakesThem) {
  const auto service = Limited("p");
  const auto another = Limited("p");
  {
    const Result<Response> held = RunCoroutine(io_, service->Send(Chat()));
    ASSERT_OK(held);
    EXPECT_EQ(Ask(*another),
              "overloaded: 1 calls to the provider are under way, and the queue for them is full");
    EXPECT_EQ(inner_->models_.size(), 1U);
    EXPECT_EQ(limits_.Snapshot().at("p").running, 1U);
  }
  EXPECT_EQ(Ask(*another), "200 own");
  EXPECT_EQ(limits_.Snapshot().at("p").running, 0U);
  EXPECT_EQ(limits_.Snapshot().at("p").refused, 1U);
}

TEST_F(MakeLimitingTest, CallsOfOtherProvidersDoNot) {
  const auto service = Limited("p");
  const auto another = Limited("q");
  const Result<Response> held = RunCoroutine(io_, service->Send(Chat()));
  ASSERT_OK(held);
  EXPECT_EQ(Ask(*another), "200 own");
}

TEST_F(MakeLimitingTest, CallThatFailsGivesItsPlaceUp) {
  const auto service = Limited("p");
  inner_->status_ = 0;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(*service), "no connection");
  EXPECT_EQ(limits_.Snapshot().at("p").running, 0U);
  EXPECT_EQ(limits_.Snapshot().at("p").refused, 0U);
}

}  // namespace
}  // namespace larder::client
