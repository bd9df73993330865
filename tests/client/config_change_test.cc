// One key changed: as the text of a file, and as the patch that travels to a running process.
#include "larder/client/config_change.h"

#include <nlohmann/json.hpp>

#include "status_matchers.h"

namespace larder::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// The patch, or why there is none.
Json Patch(std::string_view key, const std::string& value) {
  const Result<std::string> patch = MakeConfigPatch(key, value);
  return patch.ok() ? Json::parse(*patch) : Json(patch.status().message());
}

Json Patched(std::string_view text, std::string_view patch) {
  const Result<std::string> changed = PatchConfigText(text, "config.json", patch);
  return changed.ok() ? Json::parse(*changed) : Json(changed.status().message());
}

TEST(ConfigChangeTest, PatchHasTheOneKeyAndNothingElse) {
  EXPECT_EQ(Patch("cache.default_ttl", "7d"), Json::parse(R"({"cache": {"default_ttl": "7d"}})"));
  EXPECT_EQ(Patch("/logging/level", "debug"), Json::parse(R"({"logging": {"level": "debug"}})"));
}

TEST(ConfigChangeTest, ValueHasTheTypeOfItsKey) {
  EXPECT_EQ(Patch("cache.ttl_jitter", "0.25"), Json::parse(R"({"cache": {"ttl_jitter": 0.25}})"));
  EXPECT_EQ(Patch("providers.a.retry.max_attempts", "2"),
            Json::parse(R"({"providers": {"a": {"retry": {"max_attempts": 2}}}})"));
  EXPECT_EQ(Patch("providers.a.key_headers", "x-team, x-org"),
            Json::parse(R"({"providers": {"a": {"key_headers": ["x-team", "x-org"]}}})"));
  EXPECT_EQ(Patch("providers.a.key_headers", R"(["x-team", "x-org"])"),
            Json::parse(R"({"providers": {"a": {"key_headers": ["x-team", "x-org"]}}})"));
  EXPECT_EQ(Patch("providers.a.auth.token", "${vault:a}"),
            Json::parse(R"({"providers": {"a": {"auth": {"token": "${vault:a}"}}}})"));
}

TEST(ConfigChangeTest, NameWithDotsIsReachedByAPointer) {
  EXPECT_EQ(Patch("/prices/gpt-4.1/input_per_million", "2"),
            Json::parse(R"({"prices": {"gpt-4.1": {"input_per_million": 2.0}}})"));
}

TEST(ConfigChangeTest, NullTakesTheKeyAway) {
  EXPECT_EQ(Patch("logging.level", "null"), Json::parse(R"({"logging": {"level": null}})"));
  EXPECT_EQ(Patched(R"({"logging": {"level": "debug", "format": "text"}})",
                    Patch("logging.level", "null").dump()),
            Json::parse(R"({"logging": {"format": "text"}})"));
}

TEST(ConfigChangeTest, MistakeInKeyOrValueMakesNoPatch) {
  EXPECT_THAT(Patch("cache.default_tll", "7d").get<std::string>(),
              AllOf(HasSubstr("/cache/default_tll: unknown key"), HasSubstr("default_ttl")));
  EXPECT_THAT(Patch("cache.default_ttl", "soon").get<std::string>(),
              HasSubstr("/cache/default_ttl"));
  EXPECT_THAT(Patch("cache.default_ttl.x", "1").get<std::string>(), HasSubstr("no keys under it"));
  EXPECT_THAT(Patch("providers.a.auth.token", "hunter2").get<std::string>(),
              AllOf(HasSubstr("a literal"), ::testing::Not(HasSubstr("hunter2"))));
}

TEST(ConfigChangeTest, PatchLeavesTheRestOfAFileAsItIs) {
  EXPECT_EQ(Patched(R"({"cache": {"directory": "x", "default_ttl": "1h"}, "prices": {}})",
                    R"({"cache": {"default_ttl": "7d"}})"),
            Json::parse(R"({"cache": {"directory": "x", "default_ttl": "7d"}, "prices": {}})"));
}

TEST(ConfigChangeTest, OrderOfTheKeysInAFileIsKept) {
  const Result<std::string> changed = PatchConfigText(
      R"({"prices": {}, "cache": {"directory": "x"}})", "config.json", R"({"cache": {}})");
  ASSERT_OK(changed);
  EXPECT_LT(changed->find("prices"), changed->find("cache"));
  EXPECT_EQ(changed->back(), '\n');
}

TEST(ConfigChangeTest, WhatIsNoObjectIsNoPatchAndNoFile) {
  EXPECT_THAT(Patched("{}", "[1]").get<std::string>(), HasSubstr("the change"));
  EXPECT_THAT(Patched("{}", "{").get<std::string>(), HasSubstr("the change"));
  EXPECT_THAT(Patched("{", "{}").get<std::string>(), HasSubstr("config.json"));
}

}  // namespace
}  // namespace larder::client
