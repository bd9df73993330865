#include "larder/client/request_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace larder::client {
namespace {

// What the parts of a key come from; views into it make a KeyInput.
struct Parts {
  std::string name_space = {};
  std::string scope = {};
  std::string base_url = "https://api.openai.com";
  std::string target = "/v1/chat/completions";
  std::uint32_t sample = 0;
  Headers headers = {};
  std::vector<std::string> key_headers = {};
  std::string body = R"({"messages":[],"model":"gpt-4o"})";
  bool replaces_body = false;
};

KeyInput InputOf(const Parts& parts) {
  return {.name_space = parts.name_space,
          .scope = parts.scope,
          .base_url = parts.base_url,
          .target = parts.target,
          .sample = parts.sample,
          .headers = &parts.headers,
          .key_headers = &parts.key_headers,
          .canonical_body = parts.body,
          .replaces_body = parts.replaces_body};
}

std::string Key(const Parts& parts) { return ToHex(MakeRequestKey(InputOf(parts))); }

TEST(RequestKeyTest, OneStemGivesTheKeysOfManyBodies) {
  Parts parts = {.headers = {{"openai-beta", "assistants=v2"}}};
  for (const bool replaces_body : {false, true}) {
    parts.replaces_body = replaces_body;
    const KeyStem stem(InputOf(parts));
    for (const char* body : {"{}", "", R"({"model":"m"})", "{}"}) {
      parts.body = body;
      EXPECT_EQ(ToHex(stem.With(body)), Key(parts)) << body;
    }
  }
}

TEST(RequestKeyTest, TagOfOneCallerIsNobodyElses) {
  const std::string tag = ScopedTag("docs", "scope", "team");
  EXPECT_EQ(tag, "docs@eb25ada45bb5d6f3");
  for (const std::string& other :
       {ScopedTag("docs", "scope2", "team"), ScopedTag("docs", "scope", ""),
        ScopedTag("docs", "scopet", "eam"), ScopedTag("doc", "scope", "team")}) {
    EXPECT_NE(other, tag);
  }
}

// Keys are on disk: a change of any of these makes every stored answer a miss. If that is meant,
// the format version in request_key.cc has to change, too.
TEST(RequestKeyTest, KeysStayWhatTheyWere) {
  const std::pair<Parts, const char*> kGolden[] = {
      {{}, "fe052b2118cb190aed3328e4ec2c9519c6897a4dd40a99113bb41b54f6f02a78"},
      {{.name_space = "team"}, "c8ecadcb0b8ef1273936dc159a402b3c1229e83aefe6e8a1a60a12ba4821b8ad"},
      {{.scope = "0123456789abcdef"},
       "377d896b26e9d281917b215401f46530773f9159ae0f1c68e13f147aabeffe1d"},
      {{.base_url = "http://localhost:8000"},
       "5fed5e61c991eed51bee357a686e7d3bd6c18f101f7ad008c04e4f003a07c80e"},
      {{.target = "/v1/chat/completions?api-version=2024-10-21"},
       "ab2f3b2ecd5dece950a7dec0f49854851c46b45dd2f2577a9275eab123b6279f"},
      {{.sample = 1}, "977af8644129cf212c290ba56c5eb81d9d5ec2f20e256aa1ed9b657e5c303bf1"},
      {{.sample = 4294967295}, "a6a79a10852e86c0138e6aee85319b501ff0ab776642abd31ef35f0b7f6ece6c"},
      {{.headers = {{"OpenAI-Beta", "assistants=v2"}}},
       "4716077ee5ce3dd3c87ed4622398c13d2201cd1462b064320852dcb3b0747820"},
      {{.headers = {{"openai-organization", "org"}, {"openai-project", "p"}}},
       "11fe4e74255d3860c48829bbbff2c5ec1e2f29c764785b054d0f13d8ea8cb6c2"},
      {{.headers = {{"X-Region", "eu"}}, .key_headers = {"x-region"}},
       "2ae6e088f292a1d37440550ac43288251b45fc30f92031fe4e4fb139c4c756ac"},
      {{.body = R"({"messages":[{"content":"€","role":"user"}],"model":"gpt-4o"})"},
       "77b6f56dd7c320d48c4f74d2690927f8994e5d0b04bdf2d7a4df1379e010626d"},
      {{.body = "my key", .replaces_body = true},
       "256ac7a4a06527cb7cdb90344d3687f9da2f5730b459832d9965bd5f03648519"},
  };
  for (const auto& [parts, hex] : kGolden) EXPECT_EQ(Key(parts), hex);
}

TEST(RequestKeyTest, EveryPartTellsRequestsApart) {
  const std::vector<Parts> kAll = {
      {},
      {.name_space = "a"},
      {.scope = "a"},
      {.base_url = "https://api.openai.com/a"},
      {.target = "/v1/chat/completions?a"},
      {.sample = 2},
      {.headers = {{"openai-organization", "a"}}},
      {.headers = {{"openai-project", "a"}}},
      {.headers = {{"openai-beta", "a"}}},
      {.headers = {{"anthropic-version", "a"}}},
      {.headers = {{"anthropic-beta", "a"}}},
      {.headers = {{"openai-beta", ""}}},
      {.headers = {{"x", "a"}}, .key_headers = {"x"}},
      {.body = "{}"},
      {.body = "{}", .replaces_body = true},
  };
  std::set<std::string> keys;
  for (const Parts& parts : kAll) keys.insert(Key(parts));
  EXPECT_EQ(keys.size(), kAll.size());
}

TEST(RequestKeyTest, NoBytesMoveFromOnePartToTheNext) {
  EXPECT_NE(Key({.name_space = "ab", .scope = "c"}), Key({.name_space = "a", .scope = "bc"}));
  EXPECT_NE(Key({.base_url = "http://a", .target = "/b/c"}),
            Key({.base_url = "http://a/b", .target = "/c"}));
  EXPECT_NE(Key({.headers = {{"openai-beta", "a"}, {"openai-project", "b"}}}),
            Key({.headers = {{"openai-beta", "a, openai-project: b"}}}));
}

TEST(RequestKeyTest, WhatDoesNotMatterIsNotInTheKey) {
  const std::string key = Key({});
  EXPECT_EQ(Key({.headers = {{"user-agent", "x"}, {"x-request-id", "1"}}}), key);
  EXPECT_EQ(Key({.headers = {}, .key_headers = {"x-absent"}}), key);
  const Parts two = {.headers = {{"openai-beta", "a"}, {"openai-project", "b"}}};
  EXPECT_EQ(Key({.headers = {{"OpenAI-Project", "b"}, {"OPENAI-BETA", "a"}}}), Key(two));
  EXPECT_EQ(Key({.headers = two.headers, .key_headers = {"OpenAI-Beta", "openai-beta"}}), Key(two));
}

}  // namespace
}  // namespace larder::client
