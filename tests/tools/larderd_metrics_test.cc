// The page /metrics: its format, what it counts, where it is shown, and what must not be in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "admin_client.h"
#include "fake_upstream.h"
#include "larderd_process.h"
#include "metrics_page.h"
#include "prometheus_text.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}})";

std::string Prompt(const std::string& text) {
  return R"({"model":"gpt-4o","messages":[{"role":"user","content":")" + text + "\"}]}";
}

void Answer(UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); }

PrometheusText Metrics(const GatewayFixture& gateway) {
  PrometheusText text = ReadPrometheusText(Ask(gateway.url(), "GET", "/metrics").body);
  EXPECT_THAT(text.problems, IsEmpty());
  return text;
}

// What Prometheus' own checker says of the page; "" if it has no complaint.
std::string PromtoolOn(const std::string& page) {
  constexpr const char* kInstalled = "/usr/bin/promtool";
  const std::string promtool = ::access(kInstalled, X_OK) == 0 ? kInstalled : PROMTOOL;
  if (::access(promtool.c_str(), X_OK) != 0) return "no " + promtool + ": run scripts/setup";
  const ProgramEnd end = RunProgram({.words = {promtool, "check", "metrics"}, .input = page});
  return end.exit_status == 0 ? "" : end.out + end.err;
}

TEST(MetricsPageTest, EveryFamilyIsWellFormedWhateverWasCounted) {
  gateway::RequestMetrics requests;
  for (auto& endpoint : requests.requests) {
    for (auto& count : endpoint) count = 3;
  }
  for (auto& histogram : requests.whole) {
    for (const auto took : {1us, 50us, 51us, 2'000'000us, 1'000'000'000us}) histogram.Add(took);
  }
  client::ProviderStats provider;
  provider.calls = 7;
  const std::string page =
      gateway::MetricsText({.requests = requests,
                            .providers = {{"a", provider}, {"odd\"\\name", provider}},
                            .calls = {{"a", {.running = 2, .queued = 1, .refused = 3}}},
                            .refusals = {{"no_end", 2}},
                            .cache = {},
                            .connections = 4});
  const PrometheusText text = ReadPrometheusText(page);
  EXPECT_THAT(text.problems, IsEmpty());
  EXPECT_EQ(PromtoolOn(page), "");
  EXPECT_EQ(text.Value(R"(larder_requests_total{endpoint="embeddings",cache="partial"})"), 3);
  EXPECT_EQ(text.Value(R"(larder_request_seconds_bucket{cache="hit",le="5e-05"})"), 2)
      << "a bound belongs to its bucket";
  EXPECT_EQ(text.Value(R"(larder_request_seconds_count{cache="hit"})"), 5);
  EXPECT_EQ(text.Value(R"(larder_upstream_calls_total{provider="odd\"\\name"})"), 7);
  EXPECT_EQ(text.Value(R"(larder_not_cached_total{reason="no_end"})"), 2);
  EXPECT_EQ(text.Value("larder_connections"), 4);
}

TEST(MetricsPageTest, PromtoolComplainsOfABadPage) {
  EXPECT_THAT(PromtoolOn("larder_hits_total{reason=\"x\" 1\n"), HasSubstr("text format parsing"));
}

TEST(LarderdMetricsTest, HitsMissesTokensAndMoneyAreCounted) {
  FakeUpstream upstream(Answer);
  GatewayFixture gateway(
      upstream.base_url(),
      {{"prices", R"({"gpt-4o": {"input_per_million": 10, "output_per_million": 100}})"}});
  WireClient caller(gateway.url());
  for (int i = 0; i < 3; ++i) caller.Ask("POST", kChat, Prompt("x"));
  caller.Ask("GET", "/v1/models");
  caller.Ask("POST", kChat, Prompt("x"), {{"larder-ttl", "soon"}});
  // The last of the connection: all before it are timed, too.
  const PrometheusText text = Metrics(gateway);
  EXPECT_EQ(text.Value(R"(larder_requests_total{endpoint="chat_completions",cache="miss"})"), 1);
  EXPECT_EQ(text.Value(R"(larder_requests_total{endpoint="chat_completions",cache="hit"})"), 2);
  EXPECT_EQ(text.Value(R"(larder_requests_total{endpoint="other",cache="bypass"})"), 1);
  EXPECT_EQ(text.Value(R"(larder_requests_total{endpoint="chat_completions",cache="none"})"), 1);
  EXPECT_EQ(text.Value(R"(larder_answers_total{status="2xx"})"), 4);
  EXPECT_EQ(text.Value(R"(larder_answers_total{status="4xx"})"), 1);
  EXPECT_EQ(text.Value(R"(larder_turned_away_total{reason="directive"})"), 1);
  EXPECT_EQ(text.Value(R"(larder_first_byte_seconds_count{cache="hit"})"), 2);
  EXPECT_EQ(text.Value(R"(larder_request_seconds_count{cache="miss"})"), 1);
  EXPECT_EQ(text.Value(R"(larder_upstream_first_byte_seconds_count{provider="openai"})"), 2);
  EXPECT_EQ(text.Value(R"(larder_spent_tokens_total{provider="openai",kind="input"})"), 100);
  EXPECT_EQ(text.Value(R"(larder_spent_microusd_total{provider="openai"})"), 3000);
  EXPECT_EQ(text.Value(R"(larder_saved_tokens_total{kind="output"})"), 40);
  EXPECT_EQ(text.Value("larder_saved_microusd_total"), 6000);
  EXPECT_GE(text.Value("larder_requests_in_flight"), 1) << "the page itself";
  EXPECT_EQ(text.Value("larder_cache_serving"), 1);
}

TEST(LarderdMetricsTest, RefusalsAtTheEdgeAreCountedByReason) {
  FakeUpstream upstream(Answer);
  GatewayFixture gateway(upstream.base_url(), {{"gateway", R"({"max_body_bytes": "1KiB"})"}});
  const std::string head = "POST /v1/x HTTP/1.1\r\nhost: a\r\n";
  for (const std::string& fields :
       {std::string("content-length: 1\r\ncontent-length: 2\r\n\r\n"),
        std::string("content-length: 2000\r\n\r\n"), "x: " + std::string(100'000, 'x') + "\r\n\r\n",
        std::string("expect: wonders\r\n\r\n")}) {
    WireClient caller(gateway.url());
    caller.Send(head + fields);
    EXPECT_GE(caller.Read().status, 400);
  }
  const PrometheusText text = Metrics(gateway);
  for (const char* reason : {"malformed", "body_too_large", "head_too_large", "unsupported"}) {
    EXPECT_EQ(text.Value("larder_turned_away_total{reason=\"" + std::string(reason) + "\"}"), 1)
        << reason;
  }
}

TEST(LarderdMetricsTest, NothingThatACallerSendsIsALabel) {
  FakeUpstream upstream(Answer);
  GatewayFixture gateway(upstream.base_url());
  for (const std::string& path : {std::string("/v1/planted/chat/completions"),
                                  std::string("/planted/v1/messages"), std::string("/planted")}) {
    Ask(gateway.url(), "POST", path + "?key=planted", Prompt("planted"),
        {{"authorization", "Bearer planted"},
         {"larder-tags", "planted"},
         {"larder-namespace", "planted"},
         {"planted", "planted"}});
  }
  const std::string page = Ask(gateway.url(), "GET", "/metrics").body;
  EXPECT_THAT(page, Not(HasSubstr("planted")));
  EXPECT_EQ(PromtoolOn(page), "");
}

TEST(LarderdMetricsTest, ShownOnTheAdminSocketToo) {
  FakeUpstream upstream(Answer);
  GatewayFixture gateway(upstream.base_url());
  const auto answer = admin::CallAdmin(gateway.cache_directory() + "/admin.sock",
                                       {.method = "GET", .path = "/metrics"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->http_status, 200);
  EXPECT_THAT(ReadPrometheusText(answer->body).problems, IsEmpty());
  EXPECT_THAT(answer->body, HasSubstr("larder_build_info{"));
}

TEST(LarderdMetricsTest, NotShownToOtherMachinesNorWhereSwitchedOff) {
  FakeUpstream upstream(Answer);
  {
    GatewayFixture gateway(upstream.base_url(), {{"gateway", R"({"listen": "0.0.0.0:0"})"}});
    std::string url = gateway.url();
    url.replace(url.find("0.0.0.0"), 7, "127.0.0.1");
    EXPECT_EQ(Ask(url, "GET", "/metrics").status, 404);
  }
  GatewayFixture gateway(upstream.base_url(), {{"metrics", R"({"enabled": false})"}});
  EXPECT_EQ(Ask(gateway.url(), "GET", "/metrics").status, 404);
  const auto answer = admin::CallAdmin(gateway.cache_directory() + "/admin.sock",
                                       {.method = "GET", .path = "/metrics"});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->http_status, 404);
}

}  // namespace
}  // namespace larder::testing
