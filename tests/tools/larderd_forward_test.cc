// What larderd sends upstream and what it hands back, where the cache has no part in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fake_upstream.h"
#include "gate.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

// Hands back the request as it arrived: its head, an empty line, its body.
void EchoHead(UpstreamExchange& exchange) {
  exchange.Answer(200, "application/octet-stream", exchange.head + "\n" + exchange.body);
}

TEST(LarderdForwardTest, AnyMethodAndBodyPassesByteForByte) {
  std::string bytes;
  for (int i = 0; i < 70'000; ++i) bytes.push_back(static_cast<char>(i * 31));
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    EXPECT_EQ(exchange.method, "BREW");
    EXPECT_EQ(exchange.target, "/v1/files/%2e%2E/./x//y?b=%20&a");
    EXPECT_EQ(exchange.body, bytes);
    exchange.Answer(299, "image/odd; q=\"1\"", std::string(bytes.rbegin(), bytes.rend()),
                    "x-odd: A\r\nx-odd: B\r\nset-cookie: c=d\r\n");
  });
  GatewayFixture gateway(upstream.base_url());
  for (int i = 0; i < 2; ++i) {
    const WireAnswer answer = Ask(gateway.url(), "BREW", "/v1/files/%2e%2E/./x//y?b=%20&a", bytes);
    EXPECT_EQ(answer.status, 299);
    EXPECT_EQ(answer.body, std::string(bytes.rbegin(), bytes.rend()));
    EXPECT_EQ(answer.header("content-type"), "image/odd; q=\"1\"");
    EXPECT_EQ(answer.header("content-length"), std::to_string(bytes.size()));
    EXPECT_EQ(answer.header("x-odd"), "A, B");
    EXPECT_EQ(answer.header("set-cookie"), "c=d");
    EXPECT_THAT(answer.header("cache-status"), StartsWith("larder; fwd=bypass"));
  }
  EXPECT_EQ(upstream.requests(), 2) << "nothing of it is cached";
}

TEST(LarderdForwardTest, HeadPassesAndKeepsItsLength) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    EXPECT_EQ(exchange.method, "HEAD");
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n");
  });
  GatewayFixture gateway(upstream.base_url());
  WireClient caller(gateway.url());
  EXPECT_EQ(caller.Ask("HEAD", "/v1/models").header("content-length"), "1234");
  EXPECT_EQ(caller.Ask("HEAD", "/v1/models").status, 200) << "the connection is in step";
}

TEST(LarderdForwardTest, FieldsOfTheHopAndOursStayAndOthersPass) {
  FakeUpstream upstream(EchoHead);
  GatewayFixture gateway(upstream.base_url());
  const WireAnswer answer = Ask(gateway.url(), "POST", "/v1/files", "x",
                                {{"authorization", "Bearer secret"},
                                 {"x-stainless-retry-count", "0"},
                                 {"accept-encoding", "br"},
                                 {"connection", "keep-alive, x-hop"},
                                 {"x-hop", "1"},
                                 {"keep-alive", "timeout=5"},
                                 {"te", "trailers"},
                                 {"larder-tags", "a, b"},
                                 {"larder-namespace", "n"},
                                 {"cache-control", "max-age=5"}});
  EXPECT_THAT(answer.body, HasSubstr("authorization: Bearer secret\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("x-stainless-retry-count: 0\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("accept-encoding: br\r\n"));
  EXPECT_THAT(answer.body, HasSubstr("cache-control: max-age=5\r\n"));
  for (const char* field : {"x-hop", "keep-alive", "te: ", "larder-", "host: gateway"}) {
    EXPECT_THAT(answer.body, Not(HasSubstr(field)));
  }
}

TEST(LarderdForwardTest, ProviderIsFoundByNameThenByPathThenByHeader) {
  FakeUpstream upstream(EchoHead);
  GatewayFixture gateway(upstream.base_url());
  WireClient caller(gateway.url());
  const auto sent_to = [&](std::string_view target, const client::Headers& headers = {}) {
    const std::string head = caller.Ask("PUT", target, "{}", headers).body;
    return head.substr(0, head.find(" HTTP/"));
  };
  EXPECT_EQ(sent_to("/v1/models"), "PUT /v1/models");
  EXPECT_EQ(sent_to("/backup/v1/models?x=1"), "PUT /backup-base/v1/models?x=1");
  EXPECT_EQ(sent_to("/anthropic/v1/models"), "PUT /claude-base/v1/models");
  EXPECT_EQ(sent_to("/unknown/v1/models"), "PUT /unknown/v1/models");
  EXPECT_EQ(sent_to("/v1/messages"), "PUT /claude-base/v1/messages");
  for (const char* path : {"/v1/threads/t/messages", "/v1/chat/completions/c/messages"}) {
    EXPECT_EQ(sent_to(path), std::string("PUT ") + path) << "OpenAI's";
  }
  EXPECT_EQ(sent_to("/v1/models", {{"anthropic-version", "2023-06-01"}}),
            "PUT /claude-base/v1/models");
  EXPECT_EQ(sent_to("/v1/embeddings", {{"anthropic-version", "2023-06-01"}}), "PUT /v1/embeddings");
}

TEST(LarderdForwardTest, MalformedDirectiveIsA400InTheShapeOfTheDialect) {
  FakeUpstream upstream(EchoHead);
  GatewayFixture gateway(upstream.base_url());
  const WireAnswer openai =
      Ask(gateway.url(), "POST", "/v1/chat/completions", "{}", {{"larder-tag", "a"}});
  EXPECT_EQ(openai.status, 400);
  EXPECT_EQ(openai.header("x-should-retry"), "false");
  const Json error = Json::parse(openai.body).at("error");
  EXPECT_THAT(error.at("message").get<std::string>(), HasSubstr("Larder-Tags"));
  EXPECT_EQ(error.at("type"), "invalid_request_error");
  EXPECT_TRUE(error.at("param").is_null());
  const WireAnswer anthropic =
      Ask(gateway.url(), "POST", "/v1/messages", "{}", {{"larder-ttl", "soon"}});
  EXPECT_EQ(anthropic.status, 400);
  EXPECT_EQ(Json::parse(anthropic.body).at("type"), "error");
  EXPECT_EQ(Json::parse(anthropic.body).at("error").at("type"), "invalid_request_error");
  EXPECT_EQ(upstream.requests(), 0);
}

TEST(LarderdForwardTest, ProviderThatIsNotThereIsA502) {
  GatewayFixture gateway("http://127.0.0.1:1");
  for (const char* path : {"/v1/chat/completions", "/v1/messages", "/v1/models"}) {
    const WireAnswer answer = Ask(gateway.url(), "POST", path, R"({"model":"m","messages":[]})");
    EXPECT_EQ(answer.status, 502) << path;
    EXPECT_EQ(answer.header("x-should-retry"), "false");
    EXPECT_TRUE(Json::parse(answer.body).contains("error")) << answer.body;
  }
}

TEST(LarderdForwardTest, ProviderThatStaysSilentIsA504) {
  FakeUpstream upstream([](UpstreamExchange& exchange) { exchange.WaitForHangUp(); });
  GatewayFixture gateway(upstream.base_url(),
                         {{"providers", R"({"openai": {"timeouts": {"first_byte": "200ms"}}})"}});
  const WireAnswer answer = Ask(gateway.url(), "GET", "/v1/models");
  EXPECT_EQ(answer.status, 504);
  EXPECT_EQ(answer.header("x-should-retry"), "false");
}

TEST(LarderdForwardTest, OwnCacheStatusComesAfterTheUpstreams) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/plain", "x", "cache-status: edge; hit\r\n");
  });
  GatewayFixture gateway(upstream.base_url());
  EXPECT_THAT(Ask(gateway.url(), "GET", "/v1/models").header("cache-status"),
              StartsWith("edge; hit, larder; fwd=bypass"));
}

TEST(LarderdForwardTest, PiecesPassAsTheyComeAndACutBodyStaysCut) {
  Gate first_seen;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/plain");
    exchange.Chunk("first");
    first_seen.Wait();
    if (exchange.target == "/v1/cut") return exchange.Close();
    exchange.Chunk("last");
    exchange.EndChunks();
  });
  GatewayFixture gateway(upstream.base_url());
  WireClient caller(gateway.url());
  caller.SendRequest("GET", "/v1/whole");
  WireAnswer answer = caller.ReadHead();
  ASSERT_TRUE(caller.ReadUntil(answer, "first")) << "held back until the end";
  first_seen.Open();
  caller.ReadRest(answer);
  EXPECT_EQ(answer.body, "firstlast");
  EXPECT_TRUE(answer.whole);
  const WireAnswer cut = Ask(gateway.url(), "GET", "/v1/cut");
  EXPECT_EQ(cut.body, "first");
  EXPECT_FALSE(cut.whole);
}

TEST(LarderdForwardTest, CallerThatHangsUpEndsTheUpstreamCall) {
  Gate hung_up;
  Gate arrived;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    arrived.Open();
    exchange.WaitForHangUp();
    hung_up.Open();
  });
  GatewayFixture gateway(upstream.base_url());
  WireClient caller(gateway.url());
  caller.SendRequest("GET", "/v1/models");
  ASSERT_TRUE(arrived.Wait());
  caller.Close();
  EXPECT_TRUE(hung_up.Wait());
}

TEST(LarderdForwardTest, SlowCallerSlowsTheProviderDown) {
  constexpr std::size_t kMost = std::size_t{512} << 20;
  std::atomic<std::size_t> sent = 0;
  Gate stuck;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/plain");
    const std::string piece(std::size_t{1} << 20, 'x');
    while (sent < kMost && exchange.Chunk(piece)) sent += piece.size();
    stuck.Open();
  });
  GatewayFixture gateway(upstream.base_url(),
                         {{"providers", R"({"openai": {"timeouts": {"total": "1s"}}})"}});
  WireClient caller(gateway.url(), 4096);
  caller.SendRequest("GET", "/v1/models");
  // The caller reads nothing, so the call lasts until its deadline and little of it is under way.
  EXPECT_TRUE(stuck.Wait());
  EXPECT_LT(sent, std::size_t{64} << 20);
}

TEST(LarderdForwardTest, LogTellsFailuresButNoSecrets) {
  GatewayFixture gateway("http://127.0.0.1:1");
  Ask(gateway.url(), "POST", "/v1/chat/completions?key=planted-query",
      R"({"model":"m","messages":[{"role":"user","content":"planted-prompt"}]})",
      {{"authorization", "Bearer planted-token"}, {"cookie", "planted-cookie"}});
  Ask(gateway.url(), "GET", "/v1/models?key=planted-query");
  gateway.process().Signal(SIGTERM);
  const Ended ended = gateway.process().Wait();
  EXPECT_THAT(ended.err, HasSubstr("upstream failed"));
  EXPECT_THAT(ended.err, Not(HasSubstr("planted")));
  std::istringstream lines(ended.err);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(Json::parse(line).contains("event")) << line;
  }
}

TEST(LarderdForwardTest, AnyApiIsCachedUnderItsProvidersName) {
  FakeUpstream upstream([](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/csv", exchange.method + " " + exchange.target);
  });
  GatewayFixture gateway(upstream.base_url(),
                         {{"providers", R"({"weather": {"dialect": "http", "base_url": ")" +
                                            upstream.base_url() + R"(/api"}})"}});
  const WireAnswer first = Ask(gateway.url(), "GET", "/weather/now?city=Oslo", "");
  EXPECT_EQ(first.body, "GET /api/now?city=Oslo");
  EXPECT_EQ(first.header("cache-status"), "larder; fwd=miss; stored");
  const WireAnswer hit = Ask(gateway.url(), "GET", "/weather/now?city=Oslo", "");
  EXPECT_EQ(hit.body, first.body);
  EXPECT_EQ(hit.header("content-type"), "text/csv");
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit; ttl="));
  EXPECT_EQ(Ask(gateway.url(), "POST", "/weather/now?city=Oslo", "").header("cache-status"),
            "larder; fwd=bypass; detail=stateful");
  EXPECT_EQ(upstream.requests(), 2);
  const WireAnswer refused = Ask(gateway.url(), "GET", "/weather/now", "", {{"larder-tll", "1"}});
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(Json::parse(refused.body).at("status"), 400) << "in no LLM's shape";
}

}  // namespace
}  // namespace larder::testing
