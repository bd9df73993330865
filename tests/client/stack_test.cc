// The whole stack, fallback( caching( retrying( http ))), where several layers have a say.
#include "larder/client/asio/stack.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "caching_fixture.h"
#include "larder/client/asio/decorators.h"
#include "run_coroutine.h"

namespace larder::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""h;

class StackTest : public CachingFixture {
 protected:
  StackTest() {
    config_.cache.default_ttl = 60s;
    config_.cache.stale_if_error = 1h;
    Reopen();
  }

  // `openai` breaks when told to; `other` answers as `OtherModel`.
  void ServeBoth() {
    Serve([this](UpstreamExchange& exchange) {
      if (broken_ == 0) return AnswerChat(exchange);
      exchange.Answer(broken_, "application/json", R"({"error":{"message":"down"}})",
                      "x-request-id: r1\r\n");
    });
    other_ = std::make_unique<FakeUpstream>([this](UpstreamExchange& exchange) {
      other_body_ = exchange.body;
      if (other_broken_) return exchange.Close();
      exchange.Answer(200, "application/json", ChatJson("from the other"));
    });
    ProviderConfig& provider = config_.providers["openai"];
    provider.base_url = upstream_->base_url();
    provider.retry = {.max_attempts = 2, .base_delay = 1ms};
    provider.fallback = {{.provider = "other", .models = {{"gpt-4o", "gpt-elsewhere"}}}};
    config_.providers["other"].base_url = other_->base_url();
    config_.providers["other"].retry.max_attempts = 1;
    stack_ = MakeStackWorker();
  }
  Answer Ask(const Request& request = ChatRequest()) { return stack_->Ask(request); }

  std::atomic<int> broken_ = 0;
  std::atomic<bool> other_broken_ = false;
  std::string other_body_;
  std::unique_ptr<FakeUpstream> other_;
  std::unique_ptr<Worker> stack_;
};

TEST_F(StackTest, OwnErrorIsHandedOnUnchangedAfterAllAttempts) {
  ServeBoth();
  other_broken_ = true;
  broken_ = 503;
  const Answer answer = Ask();
  EXPECT_EQ(answer.code, 503);
  EXPECT_EQ(answer.body, R"({"error":{"message":"down"}})");
  EXPECT_EQ(answer.headers.Joined("x-request-id"), "r1");
  EXPECT_EQ(upstream_->requests(), 2);
  EXPECT_EQ(other_->requests(), 1);
}

TEST_F(StackTest, FallbackAnswersUnderItsOwnModelNameAndKey) {
  ServeBoth();
  broken_ = 500;
  const Answer answer = Ask();
  EXPECT_EQ(answer.body, ChatJson("from the other"));
  EXPECT_EQ(answer.cache, "larder; fwd=miss; stored; detail=fallback");
  EXPECT_EQ(nlohmann::json::parse(other_body_)["model"], "gpt-elsewhere");
  // Found again behind the one in trouble, and not as an answer of that one.
  const Answer again = Ask();
  EXPECT_TRUE(again.outcome.hit());
  EXPECT_EQ(again.body, answer.body);
  EXPECT_EQ(other_->requests(), 1);
  broken_ = 0;
  const Answer own = Ask();
  EXPECT_EQ(own.body, ChatJson());
  EXPECT_EQ(own.cache, "larder; fwd=miss; stored");
  EXPECT_EQ(board_->Snapshot().at("openai").fallbacks, 2U);
}

TEST_F(StackTest, FallbackIsAskedForNoRequestThatDependsOnItsProvidersState) {
  ServeBoth();
  broken_ = 500;
  Request stateful = ChatRequest();
  nlohmann::json body = nlohmann::json::parse(stateful.body);
  body["store"] = true;
  stateful.body = body.dump();
  EXPECT_EQ(Ask(stateful).code, 500);
  Request models;
  models.method = "GET";
  models.target = "/v1/models";
  EXPECT_EQ(Ask(models).code, 500);
  Request cached = ChatRequest();
  cached.directives.only_if_cached = true;
  EXPECT_EQ(Ask(cached).code, 504);
  EXPECT_EQ(other_->requests(), 0);
}

TEST_F(StackTest, PostOfPlainHttpFallsBackWhereThePolicySaysThatItDependsOnNothing) {
  Serve([](UpstreamExchange& exchange) { exchange.Answer(500, "text/plain", "down"); });
  other_ = std::make_unique<FakeUpstream>(
      [](UpstreamExchange& exchange) { exchange.Answer(200, "text/plain", "up"); });
  ProviderConfig& weather = config_.providers["weather"];
  weather.dialect = "http";
  weather.base_url = upstream_->base_url();
  weather.retry.max_attempts = 1;
  weather.fallback = {{.provider = "climate", .models = {}}};
  config_.providers["climate"].dialect = "http";
  config_.providers["climate"].base_url = other_->base_url();
  PolicyRule questions;
  questions.match.path = {"/ask"};
  questions.match.provider = {"weather"};
  questions.cache_stateful = true;
  config_.policy = Policy({questions});
  stack_ = MakeStackWorker("weather");
  Request post;
  post.body = "question";
  post.target = "/ask?today";
  EXPECT_EQ(Ask(post).body, "up");
  post.target = "/order";
  EXPECT_EQ(Ask(post).code, 500);
  EXPECT_EQ(other_->requests(), 1);
}

TEST_F(StackTest, CachingByItselfCountsRefusalsForItself) {
  Serve(AnswerChat);
  ProviderConfig& provider = config_.providers["openai"];
  provider.base_url = upstream_->base_url();
  boost::asio::io_context io(1);
  boost::asio::thread_pool pool(1);
  {
    Result<std::shared_ptr<HttpService>> http = MakeHttp(io, provider);
    ASSERT_OK(http);
    const StackParts parts{.io = io, .pool = pool, .cache = cache_.get()};
    auto caching = MakeCaching(parts, config_, "openai", *std::move(http));
    ASSERT_OK(caching);
    Request request = ChatRequest();
    request.directives.no_store = true;
    auto sending = (*caching)->Send(std::move(request));
    const Result<Response> response = testing::RunCoroutine(io, std::move(sending));
    ASSERT_OK(response);
    EXPECT_EQ(response->head.cache.detail, "no-store");
  }
  pool.join();
}

TEST_F(StackTest, FallbackIsNotPaidForACallerWhoseDeadlineHasPassed) {
  ServeBoth();
  Request late = ChatRequest();
  late.deadline = std::chrono::steady_clock::now();
  EXPECT_EQ(Ask(late).status.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(board_->Snapshot().at("openai").fallbacks, 0U);
}

TEST_F(StackTest, ErrorsOfTheRequestItselfFallBackToNobody) {
  ServeBoth();
  for (const int status : {400, 401, 404, 422}) {
    broken_ = status;
    EXPECT_EQ(Ask().code, status);
  }
  EXPECT_EQ(other_->requests(), 0);
}

TEST_F(StackTest, StaleEntryOfItsOwnComesBeforeTheFallback) {
  ServeBoth();
  EXPECT_EQ(Ask().body, ChatJson());
  clock_.Advance(80s);
  broken_ = 503;
  const Answer stale = Ask();
  EXPECT_EQ(stale.code, 200);
  EXPECT_EQ(stale.body, ChatJson());
  EXPECT_EQ(stale.cache, "larder; fwd=stale; fwd-status=503; ttl=-20; detail=stale-if-error");
  EXPECT_EQ(upstream_->requests(), 3);  // it was tried, and tried again
  EXPECT_EQ(other_->requests(), 0);
  EXPECT_EQ(board_->Snapshot().at("openai").stale_if_error, 1U);
}

TEST_F(StackTest, StaleEntryAnswersStreamsToo) {
  ServeBoth();
  EXPECT_EQ(Ask().body, ChatJson());
  clock_.Advance(80s);
  broken_ = 503;
  const Answer stale = Ask(ChatStreamRequest(true));
  EXPECT_THAT(stale.body, HasSubstr("data: [DONE]"));
  EXPECT_THAT(stale.cache, HasSubstr("stale-if-error"));
}

TEST_F(StackTest, StaleEntryPastItsWindowIsNotServed) {
  ServeBoth();
  Request request = ChatRequest();
  EXPECT_EQ(Ask(request).body, ChatJson());
  clock_.Advance(60s + 1h);
  broken_ = 503;
  EXPECT_EQ(Ask(request).body, ChatJson("from the other"));
}

TEST_F(StackTest, NobodyIsGivenStaleAnswersAgainstItsWord) {
  ServeBoth();
  other_broken_ = true;
  EXPECT_EQ(Ask().body, ChatJson());
  clock_.Advance(80s);
  broken_ = 503;
  Request request = ChatRequest();
  request.directives.no_cache = true;
  EXPECT_EQ(Ask(request).code, 503);
  request.directives = {};
  request.directives.min_fresh = 1s;
  EXPECT_EQ(Ask(request).code, 503);
  request.directives = {};
  request.directives.max_age = 30s;
  EXPECT_EQ(Ask(request).code, 503);
}

TEST_F(StackTest, StaleEntryIsTheAnswerWhileItsSuccessorIsFetched) {
  config_.cache.stale_while_revalidate = 2h;
  Reopen();
  std::atomic<int> version = 1;
  Serve([&](UpstreamExchange& exchange) {
    if (exchange.number > 0) go_.Wait();
    exchange.Answer(200, "application/json", ChatJson("version " + std::to_string(version)));
  });
  config_.providers["openai"].base_url = upstream_->base_url();
  stack_ = MakeStackWorker();
  EXPECT_EQ(Ask().body, ChatJson("version 1"));
  version = 2;
  clock_.Advance(65s);
  for (int i = 0; i < 3; ++i) {  // all are answered though the upstream is held
    const Answer stale = Ask();
    EXPECT_EQ(stale.body, ChatJson("version 1"));
    EXPECT_THAT(stale.cache, StartsWith("larder; hit; ttl=-5; detail=stale-while-revalidate"));
  }
  go_.Open();
  WaitForStores(2);
  const Answer fresh = Ask();
  EXPECT_EQ(fresh.body, ChatJson("version 2"));
  EXPECT_EQ(fresh.outcome.ttl, Duration(60s));
  EXPECT_EQ(upstream_->requests(), 2) << "one fetch for all";
  stack_.reset();
}

TEST_F(StackTest, InvalidatedEntryIsNotServedInAnEmergency) {
  ServeBoth();
  other_broken_ = true;
  Request request = ChatRequest();
  request.directives.tags = {"t"};
  EXPECT_EQ(Ask(request).body, ChatJson());
  Invalidate("t");
  broken_ = 503;
  EXPECT_EQ(Ask(request).code, 503);
}

TEST_F(StackTest, UpstreamThatIsGoneIsTroubleLikeAnyOther) {
  ServeBoth();
  EXPECT_EQ(Ask().body, ChatJson());
  clock_.Advance(80s);
  upstream_.reset();
  EXPECT_EQ(Ask().cache, "larder; fwd=stale; ttl=-20; detail=stale-if-error");
  EXPECT_EQ(Ask(ChatRequest("new")).body, ChatJson("from the other"));
  other_broken_ = true;
  const Answer lost = Ask(ChatRequest("newer"));
  EXPECT_EQ(lost.status.code(), StatusCode::kUnavailable) << lost.status.ToString();
}

TEST_F(StackTest, FollowersShareTheAttemptsOfOneCall) {
  ServeBoth();
  other_broken_ = true;
  Serve([this](UpstreamExchange& exchange) {
    go_.Wait();
    exchange.Answer(500, "application/json", "{}");
  });
  config_.providers["openai"].base_url = upstream_->base_url();
  stack_ = MakeStackWorker();
  std::vector<std::future<Answer>> callers;
  callers.reserve(5);
  for (int i = 0; i < 5; ++i) callers.push_back(stack_->Begin(ChatRequest()));
  WaitForJoined(4);
  go_.Open();
  for (auto& caller : callers) EXPECT_EQ(caller.get().code, 500);
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(StackTest, ProxyIsAskedForWhatIsElsewhere) {
  std::string seen;
  Serve([&](UpstreamExchange& exchange) {
    seen = exchange.target;
    exchange.Answer(200, "application/json", ChatJson());
  });
  ProviderConfig& provider = config_.providers["openai"];
  provider.base_url = "http://api.invalid/base";
  provider.proxy = upstream_->base_url();
  stack_ = MakeStackWorker();
  EXPECT_EQ(Ask().body, ChatJson());
  EXPECT_EQ(seen, "http://api.invalid/base/v1/chat/completions");
}

TEST_F(StackTest, ProxyIsAskedForATunnelAndSeesNothingOfTheRequest) {
  std::string seen;
  Serve([&](UpstreamExchange& exchange) {
    seen = exchange.head;
    exchange.Answer(407, "text/plain", "who are you?");
  });
  ProviderConfig& provider = config_.providers["openai"];
  provider.base_url = "https://api.invalid/base";
  provider.proxy = upstream_->base_url();
  provider.retry.max_attempts = 1;
  stack_ = MakeStackWorker();
  EXPECT_EQ(Ask().status.message(), "the proxy refuses a way to the upstream: it answered 407");
  EXPECT_THAT(seen, StartsWith("CONNECT api.invalid:443 HTTP/1.1\r\n"));
  EXPECT_THAT(seen, Not(HasSubstr("uthorization")));
  EXPECT_THAT(seen, Not(HasSubstr("/base")));
}

TEST_F(StackTest, FallbackMustExistAndSpeakTheSameDialect) {
  config_.providers["openai"].base_url = "http://127.0.0.1:1";
  config_.providers["claude"].base_url = "http://127.0.0.1:1";
  config_.providers["claude"].dialect = "anthropic";
  boost::asio::io_context io;
  boost::asio::thread_pool pool(1);
  const auto refusal = [&](const std::string& name) {
    config_.providers["openai"].fallback = {{.provider = name, .models = {}}};
    return MakeStack({.io = io, .pool = pool}, config_, "openai").status().message();
  };
  EXPECT_EQ(refusal("nobody"), "providers.openai.fallback: no provider `nobody`");
  EXPECT_THAT(refusal("openai"), StartsWith("providers.openai.fallback: `openai` is not another"));
  EXPECT_THAT(refusal("claude"), StartsWith("providers.openai.fallback: "));
}

}  // namespace
}  // namespace larder::client
