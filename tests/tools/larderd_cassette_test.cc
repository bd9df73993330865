// gateway.mode: what a provider said is recorded, carried to another machine, and replayed there
// without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <iterator>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr const char* kChat = "/v1/chat/completions";

std::string Answer(const std::string& text, const std::string& finish = "stop") {
  return R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
         R"("message":{"role":"assistant","content":")" +
         text + R"("},"finish_reason":")" + finish +
         R"("}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";
}

std::string Prompt(const std::string& text) {
  return R"({"model":"m","messages":[{"role":"system","content":"be kind"},)"
         R"({"role":"user","content":")" +
         text + "\"}]}";
}

// Says what the prompt asks for.
void Serve(UpstreamExchange& exchange) {
  const auto asked = [&](const char* word) {
    return exchange.body.find(word) != std::string::npos;
  };
  if (asked("error"))
    return exchange.Answer(429, "application/json", R"({"error":{"message":"x"}})");
  if (asked("truncated")) return exchange.Answer(200, "application/json", Answer("cut", "length"));
  if (asked("filtered")) {
    return exchange.Answer(200, "application/json", Answer("", "content_filter"));
  }
  if (asked("unfinished")) {
    exchange.Send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n");
    return exchange.Close();
  }
  exchange.Answer(200, "application/json", Answer("hello"));
}

class LarderdCassetteTest : public ::testing::Test {
 protected:
  static std::map<std::string, std::string> Mode(const std::string& mode) {
    return {{"gateway", R"({"mode": ")" + mode + "\"}"},
            {"cache", R"({"default_ttl": "1s"})"},
            {"providers", R"({"openai": {"retry": {"max_attempts": 1}}})"}};
  }

  WireAnswer Chat(const GatewayFixture& gateway, const std::string& prompt,
                  const client::Headers& headers = {}, const std::string& path = kChat) const {
    return Ask(gateway.url(), "POST", path, Prompt(prompt), headers);
  }

  // `cachectl --socket ... ARGUMENTS`
  static void Cachectl(const GatewayFixture& gateway, std::vector<std::string> arguments) {
    std::vector<std::string> words = {CACHECTL_PROGRAM, "--socket",
                                      gateway.cache_directory() + "/admin.sock"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const ProgramEnd end = RunProgram({.words = words});
    EXPECT_EQ(end.exit_status, 0) << end.err;
  }

  // Of one that records, in another mode.
  static void Restart(GatewayFixture& gateway, const std::string& mode) {
    gateway.process().Signal(SIGTERM);
    EXPECT_EQ(gateway.process().Wait().exit_status, 0);
    std::ifstream file(gateway.config_file());
    std::string config(std::istreambuf_iterator<char>(file), {});
    config.replace(config.find("\"record\""), 8, "\"" + mode + "\"");
    std::ofstream(gateway.config_file()) << config;
    gateway.Start();
  }

  FakeUpstream upstream_{Serve};
};

TEST_F(LarderdCassetteTest, RecordingIsCarriedToAnotherMachineAndReplayed) {
  TempDir folder;
  const std::string file = folder / "cassette.jsonl";
  {
    GatewayFixture recorder(upstream_.base_url(), Mode("record"));
    EXPECT_EQ(Chat(recorder, "a", {{"authorization", "Bearer mine"}}).status, 200);
    EXPECT_EQ(Chat(recorder, "error").status, 429);
    EXPECT_EQ(Chat(recorder, "truncated").status, 200);
    EXPECT_EQ(Chat(recorder, "filtered").status, 200);
    EXPECT_EQ(Chat(recorder, "b", {{"cache-control", "no-store"}, {"larder-ttl", "0"}}).status,
              200);
    Chat(recorder, "unfinished");
    ASSERT_TRUE(recorder.WaitForCounter("stores", 10)) << "five answers, and a note for each";
    Cachectl(recorder, {"export", file});
  }
  const int asked = upstream_.requests();
  GatewayFixture player(upstream_.base_url(), Mode("replay"));
  Cachectl(player, {"import", file});
  const WireAnswer answer = Chat(player, "a", {{"authorization", "Bearer another"}});
  EXPECT_EQ(answer.body, Answer("hello"));
  EXPECT_THAT(answer.header("cache-status"), MatchesRegex(R"(larder; hit; key="[0-9a-f]{64}")"))
      << "it has no end";
  EXPECT_EQ(Chat(player, "error").status, 429);
  EXPECT_EQ(Chat(player, "truncated").body, Answer("cut", "length"));
  EXPECT_EQ(Chat(player, "filtered").body, Answer("", "content_filter"));
  EXPECT_EQ(Chat(player, "b", {{"cache-control", "no-cache"}}).status, 200)
      << "nobody can be asked anew";
  EXPECT_EQ(Chat(player, "unfinished").status, 504);
  EXPECT_EQ(upstream_.requests(), asked) << "a replay asks no provider";
}

// All share one scope, so that it is anybody's.
TEST_F(LarderdCassetteTest, WhatACallerInvalidatesIsRecordedAnewAndNotReplayed) {
  const client::Headers docs = {{"larder-tags", "docs"}, {"authorization", "Bearer mine"}};
  const auto invalidate = [](const GatewayFixture& gateway) {
    return Ask(gateway.url(), "POST", "/larder/v1/invalidate", R"({"tags":["docs"]})",
               {{"content-type", "application/json"}, {"authorization", "Bearer another"}})
        .status;
  };
  GatewayFixture gateway(upstream_.base_url(), Mode("record"));
  Chat(gateway, "a", docs);
  Chat(gateway, "not tagged");
  EXPECT_EQ(invalidate(gateway), 200);
  EXPECT_THAT(Chat(gateway, "not tagged").header("cache-status"), HasSubstr("larder; hit"));
  EXPECT_THAT(Chat(gateway, "a", docs).header("cache-status"), HasSubstr("fwd=miss; stored"));
  EXPECT_THAT(Chat(gateway, "a", docs).header("cache-status"), HasSubstr("larder; hit"));
  EXPECT_EQ(upstream_.requests(), 3);
  Restart(gateway, "replay");
  EXPECT_EQ(Chat(gateway, "a").status, 200);
  EXPECT_EQ(invalidate(gateway), 200);
  EXPECT_EQ(Chat(gateway, "a").status, 504);
  EXPECT_EQ(Chat(gateway, "not tagged").status, 200);
}

TEST_F(LarderdCassetteTest, MissOfAReplayNamesTheNearestAndTheFirstDifference) {
  GatewayFixture gateway(upstream_.base_url(), Mode("record"));
  const std::string key = [&] {
    Chat(gateway, "near");
    const std::string status = Chat(gateway, "near").header("cache-status");
    return status.substr(status.find('"') + 1, 64);
  }();
  Ask(gateway.url(), "POST", kChat, R"({"model":"far","messages":[]})");
  ASSERT_TRUE(gateway.WaitForCounter("stores", 4));
  Restart(gateway, "replay");
  const auto miss = [&](const std::string& prompt, const client::Headers& headers = {}) {
    const WireAnswer answer = Chat(gateway, prompt, headers);
    EXPECT_EQ(answer.status, 504);
    EXPECT_EQ(answer.header("x-should-retry"), "false");
    EXPECT_THAT(answer.header("cache-status"), HasSubstr("detail=not-recorded"));
    return answer.body;
  };
  const std::string other = miss("other");
  EXPECT_THAT(other, HasSubstr("the nearest recording is " + key));
  EXPECT_THAT(other, HasSubstr("1 part, /messages/1/content"));
  EXPECT_THAT(other, ::testing::Not(HasSubstr("near\"")));
  EXPECT_THAT(miss("near", {{"larder-namespace", "n"}}), HasSubstr("1 part, namespace"));
  EXPECT_THAT(miss("near", {{"openai-beta", "x"}}), HasSubstr("1 part, header openai-beta"));
  const WireAnswer unknown = Ask(gateway.url(), "GET", "/v1/models");
  EXPECT_EQ(unknown.status, 504) << "no request that is kept";
  EXPECT_EQ(upstream_.requests(), 2);
}

}  // namespace
}  // namespace larder::testing
