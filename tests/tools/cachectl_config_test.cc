// cachectl's verbs for the configuration and its policy, as people run them.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "run_program.h"
#include "status_matchers.h"
#include "temp_dir.h"

namespace larder::cachectl {
namespace {

using larder::testing::ProgramEnd;
using larder::testing::ProgramRun;
using larder::testing::RunProgram;
using larder::testing::TempDir;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kConfig = R"({
  "providers": { "openai": { "base_url": "http://h", "key_headers": ["x-tenant"] },
                 "other": { "base_url": "http://other" } },
  "gateway": { "default_provider": { "openai": "openai" } } })";

class CachectlConfigTest : public ::testing::Test {
 protected:
  void SetUp() override { std::ofstream(dir_ / "config.json") << kConfig; }

  // `cachectl ARGUMENTS` in the test's directory.
  ProgramEnd Plain(std::vector<std::string> arguments, ProgramRun run = {.words = {}}) const {
    arguments.insert(arguments.begin(), CACHECTL_PROGRAM);
    run.words = std::move(arguments);
    run.directory = dir_.path();
    return RunProgram(run);
  }

  TempDir dir_;
};

TEST_F(CachectlConfigTest, ConfigIsCheckedAndShown) {
  ProgramEnd end = Plain({"config", "check"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(end.out, "./config.json: ok\n");
  end = Plain({"config", "show", "--json"},
              {.words = {}, .environment = {{"LARDER__LOGGING__LEVEL", "error"}}});
  const json shown = json::parse(end.out);
  EXPECT_EQ(shown["file"], "./config.json");
  EXPECT_EQ(shown["config"]["logging"]["level"], "error");
  EXPECT_EQ(shown["origins"]["/logging/level"], "LARDER__LOGGING__LEVEL");
  EXPECT_EQ(shown["origins"]["/providers/openai/base_url"], "./config.json:2");
  EXPECT_EQ(shown["origins"]["/cache/durability"], "default");
  EXPECT_THAT(Plain({"config", "show"}).out,
              HasSubstr("/providers/other/base_url = \"http://other\""));
  EXPECT_EQ(json::parse(Plain({"config", "schema"}).out)["title"], "Larder's config.json");
}

TEST_F(CachectlConfigTest, ConfigSetChangesTheFileAndSaysWhenItCounts) {
  std::filesystem::permissions(dir_ / "config.json", std::filesystem::perms(0640));
  ProgramEnd end = Plain({"config", "set", "logging.level=debug"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, AllOf(HasSubstr("/logging/level"), HasSubstr("live")));
  end = Plain({"config", "set", "/cache/max_body_bytes=1MiB", "--json"});
  EXPECT_EQ(json::parse(end.out)["changes"], json({{"/cache/max_body_bytes", "restart"}}));
  end = Plain({"config", "set", R"(policy=[{"ttl": "7d"}])", "--json"});
  EXPECT_EQ(json::parse(end.out)["changes"], json({{"/policy/0/ttl", "live"}}));
  end = Plain({"config", "set", "cache.max_body_bytes=null", "--json"});
  EXPECT_EQ(json::parse(end.out)["changes"], json({{"/cache/max_body_bytes", "restart"}}));
  const json shown = json::parse(Plain({"config", "show", "--json"}).out);
  EXPECT_EQ(shown["config"]["logging"]["level"], "debug");
  EXPECT_EQ(shown["config"]["cache"]["max_body_bytes"], "64MiB");
  EXPECT_EQ(shown["config"]["providers"]["other"]["base_url"], "http://other");
  EXPECT_EQ(std::filesystem::status(dir_ / "config.json").permissions(),
            std::filesystem::perms(0640));
}

TEST_F(CachectlConfigTest, ConfigSetRefusesWhatWouldBeAMistakeAndLeavesTheFile) {
  const auto refused = [&](const char* setting) {
    const ProgramEnd end = Plain({"config", "set", setting});
    EXPECT_EQ(end.exit_status, 2) << setting;
    return end.err;
  };
  EXPECT_THAT(refused("logging.lvel=debug"),
              HasSubstr("/logging/lvel: unknown key; nearest is \"level\""));
  EXPECT_THAT(refused("logging.level=loud"), HasSubstr("found \"loud\"; allowed: \"debug\""));
  EXPECT_THAT(refused("logging=loud"), HasSubstr("is a section"));
  EXPECT_THAT(refused("policy.0.ttl=1h"), HasSubstr("a list is set as a whole"));
  EXPECT_THAT(refused("providers.openai.base_url=null"), HasSubstr("\"base_url\" is missing"));
  EXPECT_THAT(refused("gateway.default_provider.openai=none"),
              AllOf(HasSubstr("not a provider"), Not(HasSubstr(".next"))));
  EXPECT_THAT(refused("admin.token=hunter2"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refused("nonsense"), HasSubstr("not KEY=VALUE"));
  std::ifstream file(dir_ / "config.json");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), kConfig);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "config.json.next"));
}

TEST_F(CachectlConfigTest, ConfigSetTellsWhatOverridesIt) {
  const ProgramEnd end = Plain({"config", "set", "logging.level=debug"},
                               {.words = {}, .environment = {{"LARDER__LOGGING__LEVEL", "error"}}});
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_THAT(end.err, HasSubstr("no change"));
}

TEST_F(CachectlConfigTest, PolicyIsTestedOnARequest) {
  std::ofstream(dir_ / "config.json") << R"({
    "policy": [ { "match": { "header": { "x-env": "test" } }, "cache": false },
                { "name": "models", "match": { "model": "gpt-*" }, "ttl": "7d",
                  "tags": ["model:{model}", "team:{header.x-team}"] } ],
    "providers": { "openai": { "base_url": "http://h" } } })";
  std::ofstream(dir_ / "request.json") << R"({"model": "gpt-4o", "messages": []})";
  ProgramEnd end = Plain({"policy", "test", "request.json", "--header", "x-team: blue", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  const json decision = json::parse(end.out);
  EXPECT_EQ(decision["rule"], 1);
  EXPECT_EQ(decision["name"], "models");
  EXPECT_EQ(decision["cached"], true);
  EXPECT_EQ(decision["ttl_ms"], 7 * 24 * 3600 * 1000);
  EXPECT_EQ(decision["tags"], json({"model:gpt-4o", "team:blue"}));
  EXPECT_EQ(decision["stale_if_error_ms"], nullptr);
  EXPECT_EQ(decision["store_truncated"], "when_limited");
  end = Plain({"policy", "test", "request.json", "--header", "X-Env: test"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_THAT(end.out, AllOf(HasSubstr("/policy/0"), HasSubstr("no: policy")));
  std::ofstream(dir_ / "request.json") << R"({"model": "claude-3", "messages": []})";
  EXPECT_THAT(Plain({"policy", "test", "request.json"}).out, HasSubstr("none matches"));
}

TEST_F(CachectlConfigTest, RequestsThatDependOnStateDifferLikeOthersAndHaveAKeyIfThePolicySaysSo) {
  std::ofstream(dir_ / "config.json") << R"({
    "policy": [ { "match": { "model": "gpt-*" }, "cache_stateful": true },
                { "match": { "model": "private" }, "cache": false } ],
    "providers": { "openai": { "base_url": "http://h" } },
    "gateway": { "isolation": "namespace" } })";
  const auto write = [this](const std::string& file, const json& body) {
    std::ofstream(dir_ / file) << body;
  };
  write("a.json", {{"model", "o1"}, {"messages", {"a"}}, {"store", true}});
  write("b.json", {{"model", "o1"}, {"messages", {"b"}}, {"store", true}});
  ProgramEnd end = Plain({"explain", "a.json", "b.json", "--json"});
  EXPECT_EQ(end.exit_status, 1);
  EXPECT_EQ(json::parse(end.out)["same_key"], false);
  EXPECT_EQ(json::parse(end.out)["differs"], json({"/messages/0"}));
  EXPECT_THAT(end.err, HasSubstr("a.json goes past the cache (stateful)"));
  EXPECT_EQ(Plain({"explain", "a.json", "a.json"}).exit_status, 0);

  EXPECT_EQ(json::parse(Plain({"key", "a.json", "--json"}).out)["bypass"], "stateful");
  write("a.json", {{"model", "gpt-4o"}, {"messages", {"a"}}, {"store", true}});
  end = Plain({"key", "a.json", "--json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_EQ(json::parse(end.out)["bypass"], nullptr);
  EXPECT_EQ(json::parse(end.out)["key"].get<std::string>().size(), 64U);
  write("a.json", {{"model", "private"}, {"messages", {"a"}}});
  EXPECT_EQ(json::parse(Plain({"key", "a.json", "--json"}).out)["bypass"], "policy");
}

TEST_F(CachectlConfigTest, RequestsOfPlainHttpHaveTheMethodThatIsSaid) {
  std::ofstream(dir_ / "config.json") << R"({
    "policy": [ { "match": { "path": "/ask" }, "cache_stateful": true } ],
    "providers": { "weather": { "dialect": "http", "base_url": "http://h" } } })";
  std::ofstream(dir_ / "question") << "how warm?";
  const auto bypass = [this](const std::string& file, const std::string& path,
                             std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"policy",  "test",   file, "--provider",
                                      "weather", "--path", path, "--json"};
    words.insert(words.end(), more.begin(), more.end());
    const ProgramEnd end = Plain(words);
    const json test = json::parse(end.out, nullptr, /*allow_exceptions=*/false);
    return test.is_object() ? test["bypass"].dump() : end.err;
  };
  EXPECT_EQ(bypass("/dev/null", "/today"), "null");
  EXPECT_EQ(bypass("/dev/null", "/today", {"--method", "POST"}), "\"stateful\"");
  EXPECT_EQ(bypass("question", "/today"), "\"stateful\"");
  EXPECT_EQ(bypass("question", "/today", {"--method", "GET"}), "null");
  EXPECT_EQ(bypass("question", "/ask"), "null");
  EXPECT_THAT(bypass("question", "/ask", {"--method", "get"}), HasSubstr("\"get\", not a method"));
  const std::vector<std::string> explain = {"explain", "/dev/null", "question", "--provider",
                                            "weather", "--path",    "/today",   "--method",
                                            "GET",     "--json"};
  const json differs = json::parse(Plain(explain).out);
  EXPECT_EQ(differs["same_key"], false);
}

TEST_F(CachectlConfigTest, FieldsInWhichTwoRequestsDifferAreNamed) {
  std::ofstream(dir_ / "a.json")
      << R"({"model":"m","user":"u","messages":[{"role":"user","content":"secret one"}]})";
  std::ofstream(dir_ / "b.json")
      << R"({"messages":[{"content":"secret two","role":"user"}],"model":"m","seed":7})";
  ProgramEnd end = Plain({"explain", "a.json", "b.json", "--json"});
  EXPECT_EQ(end.exit_status, 1) << end.err;
  EXPECT_EQ(json::parse(end.out), json({{"same_key", false},
                                        {"differs", {"/messages/0/content", "/seed"}},
                                        {"ignored", {"user"}}}));
  EXPECT_THAT(Plain({"explain", "a.json", "b.json"}).out,
              AllOf(HasSubstr("/messages/0/content"), Not(HasSubstr("secret")),
                    HasSubstr("/user, which plays no part in the key")));
  std::ofstream(dir_ / "b.json")
      << R"({"messages":[{"content":"secret one","role":"user"}],"model":"m","stream":true})";
  end = Plain({"explain", "a.json", "b.json"});
  EXPECT_EQ(end.exit_status, 0) << end.err;
  EXPECT_THAT(end.out, HasSubstr("the same for both"));
  EXPECT_EQ(Plain({"explain", "a.json", "absent.json"}).exit_status, 2);
}

TEST_F(CachectlConfigTest, SecretsAreNeverShown) {
  std::ofstream(dir_ / "config.json") << R"({"admin": {"token": "${env:TOKEN}"}})";
  const ProgramEnd end =
      Plain({"config", "show"}, {.words = {}, .environment = {{"TOKEN", "hunter2"}}});
  EXPECT_THAT(end.out, AllOf(HasSubstr("${env:TOKEN}"), Not(HasSubstr("hunter2"))));
}

}  // namespace
}  // namespace larder::cachectl
