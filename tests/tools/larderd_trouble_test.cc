// What callers of larderd see when its providers are in trouble.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "fake_upstream.h"
#include "gate.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kQuickRetries =
    R"({"openai": {"retry": {"base_delay": "1ms"}, "timeouts": {"first_byte": "1s"}},
        "anthropic": {"retry": {"base_delay": "1ms"}}})";
constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kBody = R"({"model":"m","messages":[]})";

std::string Answer(const std::string& text) {
  return R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant","content":")" +
         text +
         R"("},"finish_reason":"stop"}],)"
         R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
}

TEST(LarderdTroubleTest, ErrorIsHandedOnUnchangedAfterThreeAttempts) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Answer(529, "application/json", R"({"type":"error"})", "x-request-id: r\r\n");
  });
  GatewayFixture gateway(upstream.base_url(), {{"providers", kQuickRetries}});
  const WireAnswer answer = Ask(gateway.url(), "POST", kChat, kBody);
  EXPECT_EQ(answer.status, 529);
  EXPECT_EQ(answer.body, R"({"type":"error"})");
  EXPECT_EQ(answer.header("x-request-id"), "r");
  EXPECT_EQ(answer.header("x-should-retry"), "") << "theirs, not ours";
  EXPECT_EQ(upstream.requests(), 3);
  EXPECT_EQ(gateway.Counter("/providers/openai/attempts"), 3U);
  EXPECT_EQ(gateway.Counter("/providers/openai/retries"), 2U);
  EXPECT_EQ(gateway.Counter("/providers/openai/circuit_openings"), 0U);
  EXPECT_EQ(gateway.Counter("/refusals/status"), 1U) << "of whichever thread's stack";
}

TEST(LarderdTroubleTest, CallerWithRetriesOfItsOwnGetsOneAttempt) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    if (exchange.number == 0) {
      exchange.Answer(500, "application/json", "{}", "connection: close\r\n");
    }
    exchange.Close();
  });
  GatewayFixture gateway(upstream.base_url(), {{"providers", kQuickRetries}});
  const auto ask = [&](const client::Headers& headers) {
    return Ask(gateway.url(), "POST", kChat, kBody, headers);
  };
  EXPECT_EQ(ask({{"x-stainless-retry-count", "0"}}).status, 500);
  EXPECT_EQ(upstream.requests(), 1);
  const WireAnswer lost = ask({{"x-stainless-retry-count", "1"}});
  EXPECT_EQ(lost.status, 502);
  EXPECT_EQ(lost.header("x-should-retry"), "") << "it is to try again";
  EXPECT_EQ(upstream.requests(), 2);
  const WireAnswer final = ask({});
  EXPECT_EQ(final.status, 502);
  EXPECT_EQ(final.header("x-should-retry"), "false");
  EXPECT_EQ(upstream.requests(), 5);
}

TEST(LarderdTroubleTest, ErrorsOfOurOwnHaveTheShapeOfTheDialect) {
  FakeUpstream upstream([](UpstreamExchange& exchange) { exchange.Reset(); });
  GatewayFixture gateway(upstream.base_url(), {{"providers", kQuickRetries}});
  const WireAnswer openai = Ask(gateway.url(), "POST", kChat, kBody);
  EXPECT_EQ(openai.status, 502);
  EXPECT_TRUE(Json::parse(openai.body)["error"].contains("message")) << openai.body;
  const WireAnswer anthropic = Ask(gateway.url(), "POST", "/v1/messages", kBody);
  EXPECT_EQ(anthropic.status, 502);
  EXPECT_EQ(Json::parse(anthropic.body)["type"], "error") << anthropic.body;
  EXPECT_EQ(anthropic.header("x-should-retry"), "false");
}

TEST(LarderdTroubleTest, FallbackAnswersWhenAProviderIsGone) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    if (!exchange.target.starts_with("/backup-base")) return exchange.Close();
    EXPECT_EQ(Json::parse(exchange.body)["model"], "other");
    exchange.Answer(200, "application/json", Answer("from the backup"));
  });
  GatewayFixture gateway(upstream.base_url(),
                         {{"providers", R"({"openai": {"retry": {"max_attempts": 1},
                         "fallback": [{"provider": "backup", "models": {"m": "other"}}]}})"}});
  WireAnswer answer = Ask(gateway.url(), "POST", kChat, kBody);
  EXPECT_EQ(answer.body, Answer("from the backup"));
  EXPECT_EQ(answer.header("cache-status"), "larder; fwd=miss; stored; detail=fallback");
  answer = Ask(gateway.url(), "POST", kChat, kBody);
  EXPECT_THAT(answer.header("cache-status"), HasSubstr("larder; hit"));
  EXPECT_EQ(upstream.requests(), 3);
}

TEST(LarderdTroubleTest, StaleAnswerStandsInForAnError) {
  std::atomic<bool> broken = false;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    if (broken) return exchange.Answer(503, "application/json", "{}");
    exchange.Answer(200, "application/json", Answer("fresh"));
  });
  GatewayFixture gateway(upstream.base_url(),
                         {{"providers", kQuickRetries}, {"cache", R"({"stale_if_error": "1h"})"}});
  const auto ask = [&] { return Ask(gateway.url(), "POST", kChat, kBody, {{"larder-ttl", "1"}}); };
  EXPECT_THAT(ask().header("cache-status"), HasSubstr("fwd=miss; stored"));
  broken = true;
  WireAnswer answer = ask();
  while (answer.header("cache-status").find("; hit") != std::string::npos) answer = ask();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, Answer("fresh"));
  EXPECT_THAT(answer.header("cache-status"),
              ::testing::MatchesRegex("larder; fwd=stale; fwd-status=503; ttl=-?[0-9]+; "
                                      "detail=stale-if-error"));
  EXPECT_NE(answer.header("age"), "");
}

TEST(LarderdTroubleTest, OpenCircuitIsLoggedAndAsksNobody) {
  FakeUpstream upstream(
      [](UpstreamExchange& exchange) { exchange.Answer(500, "application/json", "{}"); });
  GatewayFixture gateway(upstream.base_url(),
                         {{"providers", R"({"openai": {"retry": {"max_attempts": 1},
                         "breaker": {"failures": 3, "open_for": "1h"}}})"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(gateway.url(), "POST", kChat, kBody).status, 500);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(gateway.url(), "POST", kChat, kBody).status, 502);
  EXPECT_EQ(upstream.requests(), 3);
  EXPECT_THAT(gateway.process().ErrorText(),
              HasSubstr(R"("event":"circuit","provider":"openai","state":"open")"));
}

TEST(LarderdTroubleTest, OverloadIsA503AtOnceAndHitsGoOnMeanwhile) {
  Gate arrived;
  std::atomic<bool> hang = false;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    const bool other = exchange.target.starts_with("/claude-base");
    if (!hang || other) return exchange.Answer(200, "application/json", Answer("kept"));
    arrived.Open();
    exchange.WaitForHangUp();
  });
  GatewayFixture gateway(
      upstream.base_url(),
      {{"gateway", R"({"max_concurrent_upstream": 1, "max_queued_upstream": 1})"}});
  ASSERT_EQ(Ask(gateway.url(), "POST", kChat, kBody).status, 200);
  hang = true;
  WireClient first(gateway.url());
  first.SendRequest("GET", "/v1/models");
  ASSERT_TRUE(arrived.Wait());
  WireClient second(gateway.url());
  second.SendRequest("GET", "/v1/models");
  const std::string metric = R"(larder_upstream_queued{provider="openai"} 1)";
  while (Ask(gateway.url(), "GET", "/metrics").body.find(metric) == std::string::npos) {
  }
  for (const char* path : {"/v1/models", "/v1/responses"}) {
    const WireAnswer refused = Ask(gateway.url(), "POST", path, R"({"model":"m","input":"x"})");
    EXPECT_EQ(refused.status, 503) << path;
    EXPECT_EQ(refused.header("retry-after"), "1");
    EXPECT_EQ(refused.header("x-should-retry"), "") << "overload passes";
    EXPECT_TRUE(Json::parse(refused.body).contains("error"));
  }
  const WireAnswer hit = Ask(gateway.url(), "POST", kChat, kBody);
  EXPECT_EQ(hit.body, Answer("kept"));
  EXPECT_THAT(hit.header("cache-status"), HasSubstr("larder; hit"));
  EXPECT_EQ(Ask(gateway.url(), "POST", "/anthropic/v1/messages", "{}").status, 200)
      << "another provider";
}

TEST(LarderdTroubleTest, NoFieldOfALarderHeaderReachesTheUpstreamOrTheAnswer) {
  FakeUpstream upstream(
      [](UpstreamExchange& exchange) { exchange.Answer(200, "text/plain", exchange.head); });
  GatewayFixture gateway(upstream.base_url());
  const std::string head = "GET /v1/models HTTP/1.1\r\nhost: a\r\n";
  for (const std::string& field :
       {std::string("larder-tags: a\r\n planted: 1\r\n"),
        std::string("larder-tags: a\rplanted: 1\r\n"), std::string("larder-key: a\nplanted: 1\r\n"),
        std::string("larder-namespace: \0planted\r\n", 28), std::string("larder-planted: 1\r\n")}) {
    WireClient caller(gateway.url());
    caller.Send(head + field + "connection: close\r\n\r\n");
    const WireAnswer answer = caller.Read();
    EXPECT_THAT(answer.body, ::testing::Not(HasSubstr("planted: 1"))) << field;
    for (const client::Header& sent : answer.headers) {
      EXPECT_FALSE(client::EqualsIgnoreCase(sent.name, "planted")) << field;
    }
  }
}

}  // namespace
}  // namespace larder::testing
