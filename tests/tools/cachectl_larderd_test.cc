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
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

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

TEST_F(CachectlBesideLarderdTest, KeyOfAClientsRequestIsFoundByItsNameOrItsKey) {
  const std::string socket = gateway_.cache_directory() + "/admin.sock";
  const std::string added =
      Cachectl({"--socket", socket, "client", "add", "app", "--namespace", "team"}).out;
  const std::string bearer = "Bearer " + added.substr(0, added.find('\n'));
  const std::string key = KeyOf({{"authorization", bearer}, {"larder-namespace", "n"}});
  EXPECT_THAT(key, MatchesRegex("[0-9a-f]{64}"));
  const auto ask = [this](const std::vector<std::string>& flags) {
    std::vector<std::string> arguments = {
        "key", "-", "--json", "--namespace", "n", "--path", "/v1/chat/completions?v=1&key=q"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    return Cachectl(arguments);
  };
  EXPECT_EQ(json::parse(ask({"--client", "app"}).out)["key"], key);
  EXPECT_EQ(json::parse(ask({"--header", "Authorization: " + bearer}).out)["key"], key);
  const ProgramEnd nobody = ask({});
  EXPECT_EQ(nobody.exit_status, 2);
  EXPECT_THAT(nobody.err, HasSubstr("name one with --client"));
  const ProgramEnd unknown = ask({"--client", "apple"});
  EXPECT_EQ(unknown.exit_status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("gateway.clients has no \"apple\""));
}

TEST_F(CachectlBesideLarderdTest, KeyOfWhatAllShareDependsOnNoCredential) {
  for (const char* shared : {R"({"isolation": "namespace"})", R"({"mode": "record"})"}) {
    const GatewayFixture gateway(upstream_.base_url(), {{"gateway", shared}});
    const auto ask = [&](const char* credential) {
      return testing::Ask(gateway.url(), "POST", "/v1/chat/completions", kRequest,
                          {{"authorization", credential}});
    };
    ask("Bearer one");
    const std::string hit = ask("Bearer two").header("cache-status");
    const ProgramEnd end = RunProgram(
        {.words = {CACHECTL_PROGRAM, "--config", gateway.config_file(), "key", "-", "--json"},
         .input = kRequest});
    EXPECT_EQ(end.exit_status, 0) << end.err;
    EXPECT_THAT(hit, HasSubstr(json::parse(end.out)["key"].get<std::string>())) << shared;
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

class ConfigOfLarderdTest : public CachectlBesideLarderdTest {
 protected:
  // By the socket: the process's own configuration, whatever this one's environment says.
  ProgramEnd Config(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {CACHECTL_PROGRAM, "--socket",
                                         gateway_.cache_directory() + "/admin.sock", "config"});
    return RunProgram(
        {.words = std::move(arguments), .environment = {{"LARDER__LOGGING__LEVEL", "error"}}});
  }
  json File() const {
    std::ifstream file(gateway_.config_file());
    return json::parse(file);
  }
  std::string AskStatus() const { return Ask({}).header("cache-status"); }
};

TEST_F(ConfigOfLarderdTest, ShowsWhatIsInForce) {
  ProgramEnd end = Config({"show", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  const json shown = json::parse(end.out);
  EXPECT_EQ(shown["file"], gateway_.config_file());
  EXPECT_EQ(shown["config"]["logging"]["level"], File()["logging"]["level"]);
  EXPECT_EQ(shown["config"]["cache"]["durability"], "process");
  EXPECT_EQ(shown["origins"]["/cache/durability"], "default");
  end = Config({"show"});
  EXPECT_THAT(end.out, HasSubstr("/cache/durability = \"process\""));
}

TEST_F(ConfigOfLarderdTest, LiveKeyIsInForceWhenTheCommandReturns) {
  EXPECT_THAT(AskStatus(), HasSubstr("fwd=miss"));
  ProgramEnd end = Config({"set", R"(policy=[{"match": {"model": "m"}, "cache": false}])"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("/policy/0/cache"));
  EXPECT_THAT(end.out, HasSubstr("live"));
  EXPECT_EQ(File()["policy"][0]["cache"], false);
  // Each io thread takes it over when it comes round.
  EXPECT_THAT(AskStatus(), HasSubstr("detail=policy"));
  end = Config({"set", "policy=null", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_TRUE(json::parse(end.out)["changes"].contains("/policy/0/cache"));
  EXPECT_FALSE(File().contains("policy"));
  end = Config({"set", "policy=null"});
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_THAT(end.err, HasSubstr("no change"));
}

TEST_F(ConfigOfLarderdTest, WhatNeedsARestartOrIsWrongIsRefusedWhole) {
  const json before = File();
  const auto refused = [&](const std::string& setting) {
    const ProgramEnd end = Config({"set", setting});
    EXPECT_EQ(end.exit_status, 2) << setting << end.err;
    EXPECT_EQ(File(), before) << setting;
    return end.err;
  };
  EXPECT_THAT(
      refused("cache.durability=sync"),
      HasSubstr("needs a restart for /cache/durability; nothing of the change is in force"));
  EXPECT_THAT(refused("logging.lvel=debug"), HasSubstr("nearest is \"level\""));
  EXPECT_THAT(refused("logging.level=loud"), HasSubstr("allowed: \"debug\""));
  EXPECT_THAT(refused("providers.openai.base_url=null"),
              AllOf(HasSubstr("\"base_url\" is missing"), Not(HasSubstr(".next"))));
  EXPECT_THAT(refused("admin.token=hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_EQ(json::parse(Config({"show", "--json"}).out)["config"]["cache"]["durability"],
            "process");
}

class CachectlOverTcpTest : public ::testing::Test {
 protected:
  void SetToken(const std::string& token) const { std::ofstream(secrets_ / "token") << token; }
  std::string Admin() const {
    SetToken("hunter-one");
    return R"({"listen": "127.0.0.1:0", "token": "${file:)" + (secrets_ / "token") + "}\"}";
  }
  // As the log says.
  std::string Url() const {
    const std::string log = gateway_.process().ErrorText();
    std::smatch match;
    const std::regex line("\"admin listening\",\"url\":\"(http[^\"]+)\"");
    return std::regex_search(log, match, line) ? match[1].str() : "";
  }
  ProgramEnd Cachectl(const std::string& config, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {CACHECTL_PROGRAM, "--config", config, "--url", Url()});
    return RunProgram({.words = std::move(arguments)});
  }

  const TempDir secrets_;
  mutable GatewayFixture gateway_{"http://127.0.0.1:1", {{"admin", Admin()}}};
};

TEST_F(CachectlOverTcpTest, TokenOfTheConfigurationOpensIt) {
  const std::string config = gateway_.config_file();
  EXPECT_EQ(json::parse(Cachectl(config, {"--json", "stats"}).out)["entries"], 0);
  EXPECT_THAT(Cachectl(config, {"--json", "config", "show"}).out, Not(HasSubstr("hunter-")));
  const std::string other = secrets_ / "other.json";
  std::ofstream(secrets_ / "old") << "hunter-one";
  std::ofstream(other) << R"({"admin": {"token": "${file:)" + (secrets_ / "old") + "}\"}}";
  EXPECT_EQ(Cachectl(other, {"stats"}).exit_status, 0);
  SetToken("hunter-two");
  EXPECT_EQ(Cachectl(config, {"stats"}).exit_status, 0) << "a new token counts at once";
  const ProgramEnd old = Cachectl(other, {"stats"});
  EXPECT_EQ(old.exit_status, 2);
  EXPECT_THAT(old.err, HasSubstr("not the token of the admin API"));
}

TEST_F(CachectlOverTcpTest, SilentOnesAreToldApart) {
  const ProgramEnd end = RunProgram({.words = {CACHECTL_PROGRAM, "--config", gateway_.config_file(),
                                               "--url", "http://127.0.0.1:1", "stats"}});
  EXPECT_EQ(end.exit_status, 3);
  EXPECT_THAT(end.err, HasSubstr("no answer from http://127.0.0.1:1"));
}

}  // namespace
}  // namespace larder::testing
