// Larder-Explain: a miss says why, of every endpoint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kNever = "never written, or reclaimed since";
constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kPrompt = R"({"model":"m","messages":[]})";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]})";

// An answer of each endpoint that is good enough to be kept.
void Serve(UpstreamExchange& exchange) {
  const auto says = [&](const char* text) { exchange.Answer(200, "application/json", text); };
  if (exchange.target.ends_with("/messages")) {
    return says(R"({"id":"m","type":"message","role":"assistant","model":"m","content":[)"
                R"({"type":"text","text":"hello"}],"stop_reason":"end_turn","usage":{}})");
  }
  if (exchange.target.ends_with("/responses")) {
    return says(R"({"id":"r","object":"response","status":"completed","model":"m","output":[)"
                R"({"type":"message","content":[{"type":"output_text","text":"hello"}]}]})");
  }
  if (exchange.target.ends_with("/v1/completions")) {
    return says(R"({"id":"c","object":"text_completion","model":"m","choices":[)"
                R"({"index":0,"text":"hello","finish_reason":"stop"}]})");
  }
  if (exchange.target.ends_with("/embeddings")) {
    Json answer = {{"object", "list"}, {"model", "m"}, {"data", Json::array()}};
    for (std::size_t i = 0; i < Json::parse(exchange.body)["input"].size(); ++i) {
      answer["data"].push_back({{"object", "embedding"}, {"index", i}, {"embedding", {0.5}}});
    }
    return exchange.Answer(200, "application/json", answer.dump());
  }
  if (exchange.body.find(R"("stream":true)") != std::string::npos) {
    return exchange.Answer(
        200, "text/event-stream",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":"
        "\"stop\"}]}\n\ndata: [DONE]\n\n");
  }
  says(kAnswer);
}

class LarderdExplainTest : public ::testing::Test {
 protected:
  // What it says of one call.
  std::string Why(const std::string& path, const std::string& body,
                  const client::Headers& more = {}) const {
    client::Headers headers = {{"larder-explain", "1"}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return Ask(gateway_.url(), "POST", path, body, headers).header("larder-explain");
  }

  FakeUpstream upstream_{Serve};
  GatewayFixture gateway_{
      upstream_.base_url(),
      {{"providers", R"({"anthropic": {"base_url": ")" + upstream_.base_url() + R"("},
                         "files": {"dialect": "http", "base_url": ")" +
                         upstream_.base_url() + "\"}}"}}};
};

TEST_F(LarderdExplainTest, MissSaysWhyAndAHitNothing) {
  const auto why = [&](const client::Headers& more = {}, const char* explain = "1") {
    client::Headers headers = {{"larder-explain", explain}, {"larder-tags", "t"}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return Why(kChat, kPrompt, headers);
  };
  EXPECT_EQ(why(), kNever);
  EXPECT_EQ(why(), "") << "a hit";
  ASSERT_TRUE(gateway_.InvalidateTag("t"));
  EXPECT_EQ(why({}, "0"), "") << "nobody asked";
  ASSERT_TRUE(gateway_.InvalidateTag("t"));
  EXPECT_THAT(why(), HasSubstr("tag \"t\" was invalidated"));
  EXPECT_THAT(why({{"cache-control", "no-cache"}}),
              StartsWith("no-cache was asked; the entry is fresh"));
  EXPECT_EQ(why({}, "perhaps"), "") << "malformed: a 400";
}

TEST_F(LarderdExplainTest, EveryEndpointSaysWhy) {
  const std::string messages = R"({"model":"m","max_tokens":9,"messages":[]})";
  EXPECT_EQ(Why("/v1/messages", messages), kNever);
  EXPECT_EQ(Why("/v1/messages", messages), "");
  EXPECT_EQ(Why("/v1/responses", R"({"model":"m","input":"x"})"), kNever);
  EXPECT_EQ(Why("/v1/responses", R"({"model":"m","input":"x"})"), "");
  EXPECT_EQ(Why("/v1/completions", R"({"model":"m","prompt":"x"})"), kNever);
  EXPECT_EQ(Why("/v1/completions", R"({"model":"m","prompt":"x"})"), "");
  const WireAnswer page = Ask(gateway_.url(), "GET", "/files/a", "", {{"larder-explain", "1"}});
  EXPECT_EQ(page.header("larder-explain"), kNever);
}

TEST_F(LarderdExplainTest, BatchSaysWhichOfItsInputsAreMissing) {
  const auto ask = [&](const std::string& input, const client::Headers& more = {}) {
    return Why("/v1/embeddings", R"({"model":"m","input":)" + input + "}", more);
  };
  const client::Headers tagged = {{"larder-tags", "t"}};
  EXPECT_EQ(ask(R"(["b"])", tagged), kNever);
  ASSERT_TRUE(gateway_.InvalidateTag("t"));
  EXPECT_EQ(ask(R"(["a"])"), kNever);
  EXPECT_EQ(ask(R"(["a"])"), "") << "a hit";
  const std::string mixed = ask(R"(["a","c","b","d","c"])");
  EXPECT_THAT(mixed, StartsWith("3 of 5 inputs, first /input/1: " + std::string(kNever) +
                                "; 1 of 5 inputs, first /input/2: tag \"t\" was invalidated"));
  EXPECT_EQ(ask(R"(["d","c","b","a"])"), "") << "all hits";
  EXPECT_THAT(ask(R"(["a","b"])", {{"cache-control", "no-cache"}}),
              HasSubstr("no-cache was asked; the entry is fresh"));
  EXPECT_EQ(ask(R"(["a","e"])", {{"cache-control", "only-if-cached"}}),
            "1 of 2 inputs, first /input/1: " + std::string(kNever));
}

TEST_F(LarderdExplainTest, WhatIsThereAndNotGoodEnoughIsSaid) {
  const std::string stream = R"({"model":"s","messages":[],"stream":true})";
  EXPECT_EQ(Why(kChat, stream), kNever);
  EXPECT_EQ(Why(kChat, stream), "");
  EXPECT_EQ(Why(kChat, R"({"model":"s","messages":[]})"),
            "what is stored lacks the usage that is asked for");
  EXPECT_EQ(Why(kChat, kPrompt), kNever);
  EXPECT_THAT(Why(kChat, kPrompt, {{"cache-control", "min-fresh=9999999"}}),
              StartsWith("min-fresh was asked; the entry is fresh"));
  EXPECT_EQ(Why(kChat, R"({"model":"other","messages":[]})", {{"cache-control", "only-if-cached"}}),
            kNever);
}

TEST_F(LarderdExplainTest, WhatGoesPastTheCacheSaysSo) {
  EXPECT_EQ(Why("/v1/responses", R"({"model":"m","input":"x","previous_response_id":"r"})"),
            "not looked up: stateful");
  EXPECT_EQ(Why(kChat, kPrompt, {{"cache-control", "no-store"}}), "not looked up: no-store");
  EXPECT_EQ(Why(kChat, "{"), "not looked up: not-i-json");
  EXPECT_EQ(Why("/v1/files", "{}"), "not looked up: no endpoint that is cached");
}

}  // namespace
}  // namespace larder::testing
