// cachectl beside a running larderd: what one says of a key holds for the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "run_program.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr const char* kRequest =
    R"({"model":"m","user":"u","messages":[{"role":"user","content":"Hi"}],"temperature":0.50})";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"Good day"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

class CachectlBesideLarderdTest : public ::testing::Test {
 protected:
  WireAnswer Ask(const client::Headers& fields) const {
    client::Headers headers = {{"content-type", "application/json"}};
    for (const client::Header& field : fields) headers.Add(field.name, field.value);
    return testing::Ask(gateway_.url(), "POST", "/v1/chat/completions?v=1&key=q", kRequest,
                        headers);
  }
  ProgramEnd Cachectl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {CACHECTL_PROGRAM, "--config", gateway_.config_file()});
    return RunProgram({.words = std::move(arguments),
                       .environment = {{"CREDENTIAL", "hunter2"}},
                       .input = kRequest});
  }
  // Of a hit; before it, the request is sent once, so that there is one.
  std::string KeyOf(const client::Headers& fields) {
    Ask(fields);
    EXPECT_TRUE(gateway_.WaitForCounter("stores", ++stored_));
    const std::string status = Ask(fields).header("cache-status");
    std::smatch match;
    return std::regex_search(status, match, std::regex("key=\"([0-9a-f]{64})\"")) ? match[1].str()
                                                                                  : status;
  }

  FakeUpstream upstream_{
      [](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); }};
  GatewayFixture gateway_{upstream_.base_url()};
  std::uint64_t stored_ = 0;
};

TEST_F(CachectlBesideLarderdTest, KeyIsTheOneThatLarderdComputes) {
  struct Caller {
    client::Headers headers;
    std::vector<std::string> flags;
  };
  const std::vector<Caller> callers = {
      {{}, {}},
      {{{"authorization", "Bearer hunter2"}}, {"--credential-from-env", "CREDENTIAL"}},
      {{{"authorization", "Bearer hunter2"},
        {"larder-namespace", "n"},
        {"larder-sample", "2"},
        {"openai-organization", "o"},
        {"x-anything", "not of the key"}},
       {"--credential-from-env", "CREDENTIAL", "--namespace", "n", "--sample", "2", "--header",
        "OpenAI-Organization: o"}},
      {{{"larder-key", "mine"}}, {"--header", "Larder-Key: mine"}},
  };
  std::vector<std::string> keys;
  for (const Caller& caller : callers) {
    const std::string key = KeyOf(caller.headers);
    EXPECT_THAT(key, MatchesRegex("[0-9a-f]{64}"));
    std::vector<std::string> arguments = {"key", "-", "--json", "--path",
                                          "/v1/chat/completions?v=1&key=q"};
    arguments.insert(arguments.end(), caller.flags.begin(), caller.flags.end());
    const ProgramEnd end = Cachectl(arguments);
    EXPECT_EQ(end.exit_status, 0) << end.err;
    EXPECT_EQ(json::parse(end.out)["key"], key);
    EXPECT_THAT(keys, ::testing::Not(::testing::Contains(key)));
    keys.push_back(key);
  }
}

TEST_F(CachectlBesideLarderdTest, AnswerIsFoundByTheKeyOfItsCacheStatus) {
  const std::string key = KeyOf({});
  EXPECT_EQ(Cachectl({"get", key}).out, kAnswer);
  EXPECT_THAT(Cachectl({"get", key, "--form", "sse"}).out, HasSubstr("data: [DONE]"));
  EXPECT_EQ(json::parse(Cachectl({"get", key, "--meta", "--json"}).out)["answer"]["model"], "m");
  EXPECT_EQ(Cachectl({"rm", key}).exit_status, 0);
  EXPECT_THAT(Ask({}).header("cache-status"), HasSubstr("fwd=miss"));
  EXPECT_EQ(upstream_.requests(), 2);
}

TEST_F(CachectlBesideLarderdTest, InvalidatedTagIsAMissForLarderd) {
  Ask({{"larder-tags", "t"}});
  EXPECT_TRUE(gateway_.WaitForCounter("stores", 1));
  EXPECT_THAT(Ask({}).header("cache-status"), HasSubstr("; hit"));
  EXPECT_EQ(Cachectl({"invalidate", "--tag", "t"}).exit_status, 0);
  EXPECT_THAT(Ask({}).header("cache-status"), HasSubstr("fwd=miss"));
}

}  // namespace
}  // namespace larder::testing
