// larderd before a mock provider written by others, which shares none of our assumptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "larderd_process.h"
#include "node_server.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

class Aimock : public NodeServer {
 public:
  Aimock() : NodeServer(AIMOCK_SERVER, AIMOCK_FOLDER) {}
  // Requests to a path that it has answered.
  int Calls(const std::string& path) const {
    const Json journal = Json::parse(Ask(url(), "GET", "/__aimock/journal?path=" + path, "").body);
    return static_cast<int>(journal.size());
  }
};

class AimockTest : public ::testing::Test {
 protected:
  WireAnswer Post(const std::string& path, const Json& body) {
    return Ask(gateway_.url(), "POST", path, body.dump(),
               {{"content-type", "application/json"}, {"authorization", "Bearer mock"}});
  }
  static Json Chat(const std::string& prompt, bool stream = false) {
    Json body = {{"model", "gpt-4o"}, {"messages", {{{"role", "user"}, {"content", prompt}}}}};
    if (stream) body["stream"] = true;
    if (stream) body["stream_options"] = {{"include_usage", true}};
    return body;
  }

  Aimock aimock_;
  GatewayFixture gateway_{
      aimock_.url(), {{"providers", R"({"anthropic": {"base_url": ")" + aimock_.url() + R"("}})"}}};
};

TEST_F(AimockTest, ChatIsAskedOnceAndAnsweredInBothForms) {
  const WireAnswer miss = Post("/v1/chat/completions", Chat("hello"));
  EXPECT_EQ(miss.status, 200) << miss.body;
  EXPECT_EQ(miss.header("cache-status"), "larder; fwd=miss; stored");
  const WireAnswer hit = Post("/v1/chat/completions", Chat("hello"));
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit"));
  EXPECT_EQ(hit.body, miss.body);
  const WireAnswer stream = Post("/v1/chat/completions", Chat("hello", /*stream=*/true));
  EXPECT_THAT(stream.header("cache-status"), StartsWith("larder; hit"));
  EXPECT_THAT(stream.body, HasSubstr("data: [DONE]"));
  EXPECT_EQ(aimock_.Calls("/v1/chat/completions"), 1);
}

TEST_F(AimockTest, StreamIsReplayedAsItCame) {
  const WireAnswer miss = Post("/v1/chat/completions", Chat("hello", /*stream=*/true));
  EXPECT_EQ(miss.status, 200);
  ASSERT_TRUE(gateway_.WaitForCounter("stores", 1));
  const WireAnswer hit = Post("/v1/chat/completions", Chat("hello", /*stream=*/true));
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit"));
  EXPECT_EQ(hit.body, miss.body);
  const WireAnswer json = Post("/v1/chat/completions", Chat("hello"));
  EXPECT_THAT(json.header("cache-status"), StartsWith("larder; hit"));
  EXPECT_EQ(Json::parse(json.body)["choices"][0]["message"]["content"],
            "Hi there! This is long enough to come in several pieces.");
  EXPECT_EQ(aimock_.Calls("/v1/chat/completions"), 1);
}

TEST_F(AimockTest, ToolCallsAreKept) {
  Json body = Chat("weather");
  body["tools"] = {{{"type", "function"},
                    {"function", {{"name", "get_weather"}, {"parameters", {{"type", "object"}}}}}}};
  const WireAnswer miss = Post("/v1/chat/completions", body);
  EXPECT_EQ(miss.header("cache-status"), "larder; fwd=miss; stored") << miss.body;
  EXPECT_EQ(Post("/v1/chat/completions", body).body, miss.body);
  body["stream"] = true;
  EXPECT_THAT(Post("/v1/chat/completions", body).body, HasSubstr("get_weather"));
  EXPECT_EQ(aimock_.Calls("/v1/chat/completions"), 1);
}

TEST_F(AimockTest, PromptThatItDoesNotKnowIsItsOwnErrorAndNotKept) {
  for (int i = 1; i <= 2; ++i) {
    const WireAnswer answer = Post("/v1/chat/completions", Chat("unheard of"));
    EXPECT_EQ(answer.status, 404) << answer.body;
    EXPECT_THAT(answer.header("cache-status"), StartsWith("larder; fwd=miss"));
    EXPECT_EQ(aimock_.Calls("/v1/chat/completions"), i);
  }
}

TEST_F(AimockTest, OtherEndpointsAnswerThroughTheGateway) {
  const WireAnswer message =
      Post("/v1/messages", {{"model", "claude-3-5-sonnet"},
                            {"max_tokens", 100},
                            {"messages", {{{"role", "user"}, {"content", "hello"}}}}});
  EXPECT_EQ(message.status, 200);
  EXPECT_EQ(Json::parse(message.body)["content"][0]["type"], "text") << message.body;
  const WireAnswer embedding =
      Post("/v1/embeddings", {{"model", "text-embedding-3-small"}, {"input", {"a text"}}});
  EXPECT_EQ(Json::parse(embedding.body)["data"][0]["embedding"], Json({0.25, -0.5, 1}))
      << embedding.body;
  const WireAnswer response = Post("/v1/responses", {{"model", "gpt-4o"}, {"input", "hello"}});
  EXPECT_EQ(Json::parse(response.body)["status"], "completed") << response.body;
}

}  // namespace
}  // namespace larder::testing
