// larderd with a token of an authorization server that others wrote, and that shares none of our
// assumptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fake_upstream.h"
#include "jwt_claims.h"
#include "larderd_process.h"
#include "node_server.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

class OAuth2MockTest : public ::testing::Test {
 protected:
  OAuth2MockTest() { WriteSecret("good-1"); }

  void WriteSecret(const std::string& secret) const {
    std::ofstream(secrets_ / "client", std::ios::trunc) << secret << '\n';
  }
  // A chat that nobody asked before.
  WireAnswer Ask(bool stream = false) {
    const Json body = {
        {"model", "m"},
        {"stream", stream},
        {"messages", {{{"role", "user"}, {"content", "chat " + std::to_string(++chats_)}}}}};
    return larder::testing::Ask(gateway_.url(), "POST", "/v1/chat/completions", body.dump(),
                                {{"content-type", "application/json"}});
  }
  // What the tokens say that the provider was shown.
  std::vector<Json> Claims() {
    const std::lock_guard lock(mutex_);
    std::vector<Json> claims;
    for (const std::string& value : authorizations_) claims.push_back(ClaimsOf(value));
    return claims;
  }

  const TempDir secrets_;
  NodeServer server_{OAUTH2_MOCK_SERVER, OAUTH2_MOCK_FOLDER};
  std::mutex mutex_;
  std::vector<std::string> authorizations_;
  int refused_below_ = 0;  // tokens with a lower number are revoked
  FakeUpstream provider_{[this](UpstreamExchange& exchange) {
    const std::lock_guard lock(mutex_);
    authorizations_.push_back(exchange.header("authorization"));
    const bool good = authorizations_.back().starts_with("Bearer eyJ") &&
                      ClaimsOf(authorizations_.back())["number"] >= refused_below_;
    if (!good) return exchange.Answer(401, "application/json", R"({"error":{"message":"no"}})");
    if (exchange.body.find("\"stream\":true") == exchange.body.npos) {
      return exchange.Answer(200, "application/json", kAnswer);
    }
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},"
        "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
    exchange.EndChunks();
  }};
  GatewayFixture gateway_{
      provider_.base_url(),
      {{"providers", R"({"openai": {"base_url": ")" + provider_.base_url() +
                         R"(", "auth": {"method": "oauth2", "token_url": ")" + server_.url() +
                         R"(/token", "client_id": "larder", "scope": "chat",
                                             "client_secret": "${file:)" +
                         secrets_ / "client" + R"(}"}}})"}}};
  int chats_ = 0;
};

TEST_F(OAuth2MockTest, TokenIsFetchedOnceAndGoesUpWithEachCall) {
  EXPECT_EQ(Ask().status, 200);
  EXPECT_EQ(Ask().status, 200);
  const WireAnswer stream = Ask(/*stream=*/true);
  EXPECT_EQ(stream.status, 200);
  EXPECT_THAT(stream.body, HasSubstr("[DONE]"));
  const std::vector<Json> claims = Claims();
  ASSERT_EQ(claims.size(), 3u);
  for (const Json& claim : claims) {
    EXPECT_EQ(claim["number"], 1);
    EXPECT_EQ(claim["scope"], "chat");
  }
}

TEST_F(OAuth2MockTest, RevokedTokenIsReplacedWithoutTheCallerNoticing) {
  EXPECT_EQ(Ask().status, 200);
  refused_below_ = 2;
  EXPECT_EQ(Ask(/*stream=*/true).status, 200);
  const std::vector<Json> claims = Claims();
  ASSERT_EQ(claims.size(), 3u);
  EXPECT_EQ(claims[1]["number"], 1);
  EXPECT_EQ(claims[2]["number"], 2);
}

TEST_F(OAuth2MockTest, SecretThatChangedGetsATokenOfItsOwnForTheNextCall) {
  EXPECT_EQ(Ask().status, 200);
  WriteSecret("good-2");
  EXPECT_EQ(Ask().status, 200);
  const std::vector<Json> claims = Claims();
  ASSERT_EQ(claims.size(), 2u);
  EXPECT_EQ(claims[0]["made_with"], "good-1");
  EXPECT_EQ(claims[1]["made_with"], "good-2");
}

TEST_F(OAuth2MockTest, ClientThatIsNotKnownIsNamedWithoutItsSecret) {
  WriteSecret("bad");
  const WireAnswer answer = Ask();
  EXPECT_EQ(answer.status, 502);
  EXPECT_THAT(answer.body, HasSubstr("it answered 401 (invalid_client)"));
  EXPECT_THAT(answer.body, Not(HasSubstr("bad")));
  EXPECT_TRUE(Claims().empty());
}

}  // namespace
}  // namespace larder::testing
