// cachectl warm: the requests of a file, sent through a running larderd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]})";

std::string Prompt(const std::string& text) {
  return R"({"model":"m","messages":[{"role":"user","content":")" + text + "\"}]}";
}

class LarderdWarmTest : public ::testing::Test {
 protected:
  ProgramEnd Warm(const std::string& lines, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {CACHECTL_PROGRAM, "--config", gateway_.config_file(), "warm", "-",
                                 "--gateway", gateway_.url(), "--credential-from-env", "KEY"});
    return RunProgram({.words = flags, .environment = {{"KEY", "planted"}}, .input = lines});
  }
  std::string StatusOf(const std::string& prompt, const client::Headers& more = {},
                       const std::string& path = "/v1/chat/completions") const {
    client::Headers headers = {{"authorization", "Bearer planted"}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return Ask(gateway_.url(), "POST", path, Prompt(prompt), headers).header("cache-status");
  }

  FakeUpstream upstream_{[](UpstreamExchange& exchange) {
    const bool bad = exchange.body.find("bad") != std::string::npos;
    exchange.Answer(bad ? 400 : 200, "application/json", bad ? R"({"error":{}})" : kAnswer);
  }};
  GatewayFixture gateway_{upstream_.base_url()};
};

TEST_F(LarderdWarmTest, CallersFindWhatWasSentThroughForThem) {
  const std::string lines = Prompt("one") + "\n\n" + Prompt("two") + "\n" +
                            R"({"path":"/backup/v1/chat/completions",)" +
                            R"("headers":{"larder-tags":"t","openai-organization":"o"},"body":)" +
                            Prompt("three") + "}\n";
  const ProgramEnd end = Warm(lines, {"--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(json::parse(end.out),
            json::parse(R"({"hits":0,"fetched":3,"not_cached":0,"failed":0})"));
  EXPECT_EQ(upstream_.requests(), 3);
  EXPECT_THAT(StatusOf("one"), StartsWith("larder; hit"));
  EXPECT_THAT(StatusOf("two"), StartsWith("larder; hit"));
  EXPECT_THAT(StatusOf("three", {{"openai-organization", "o"}}, "/backup/v1/chat/completions"),
              StartsWith("larder; hit"));
  EXPECT_TRUE(gateway_.InvalidateTag("t"));
  EXPECT_EQ(json::parse(Warm(lines, {"--json"}).out),
            json::parse(R"({"hits":2,"fetched":1,"not_cached":0,"failed":0})"));
}

TEST_F(LarderdWarmTest, FlagsSpeakForAllRequests) {
  EXPECT_EQ(Warm(Prompt("one"), {"--namespace", "n", "--header", "Larder-TTL: 60"}).exit_status, 0);
  EXPECT_THAT(StatusOf("one"), HasSubstr("fwd=miss"));
  EXPECT_THAT(StatusOf("one", {{"larder-namespace", "n"}}), StartsWith("larder; hit"));
}

TEST_F(LarderdWarmTest, WhatFailsIsToldByItsLineAndTheRestGoesOn) {
  const ProgramEnd end = Warm(Prompt("bad") + "\nnothing\n" + R"({"body":"text"})" + "\n" +
                                  R"({"headers":{"a":1},"body":{}})" + "\n" + Prompt("good"),
                              {"--parallel", "1"});
  EXPECT_EQ(end.exit_status, 5);
  EXPECT_THAT(end.err, HasSubstr("cachectl: line 1: answered with status 400\n"));
  EXPECT_THAT(end.err, HasSubstr("cachectl: line 2: not a JSON object\n"));
  EXPECT_THAT(end.err, HasSubstr("cachectl: line 3: `body` is not a JSON object\n"));
  EXPECT_THAT(end.err, HasSubstr("cachectl: line 4: the header `a` is not a text\n"));
  EXPECT_THAT(end.out + end.err, Not(HasSubstr("planted")));
  EXPECT_THAT(StatusOf("good"), StartsWith("larder; hit"));
}

TEST_F(LarderdWarmTest, GatewayThatIsNotThereFailsEachLine) {
  gateway_.process().Signal(SIGTERM);
  gateway_.process().Wait();
  const ProgramEnd end = Warm(Prompt("one"));
  EXPECT_EQ(end.exit_status, 5);
  EXPECT_THAT(end.err, HasSubstr("cachectl: line 1: "));
  const ProgramEnd anywhere = RunProgram(
      {.words = {CACHECTL_PROGRAM, "--config", gateway_.config_file(), "warm", "/dev/null"}});
  EXPECT_EQ(anywhere.exit_status, 2) << "its configuration says port 0";
}

}  // namespace
}  // namespace larder::testing
