// POST /larder/v1/invalidate: a caller invalidates what it stored under a tag, and nobody else's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "fake_upstream.h"
#include "larderd_process.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kInvalidate = "/larder/v1/invalidate";
constexpr const char* kPrompt = R"({"model":"m","messages":[{"role":"user","content":"hi"}]})";
constexpr const char* kAnswer =
    R"({"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,)"
    R"("message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}})";

class LarderdInvalidateTest : public ::testing::Test {
 protected:
  // Whether the caller with this credential gets its answer from the cache.
  bool IsHit(const std::string& credential, const client::Headers& more) const {
    client::Headers headers = {{"authorization", "Bearer " + credential}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    const WireAnswer answer = Ask(gateway_.url(), "POST", kChat, kPrompt, headers);
    EXPECT_EQ(answer.status, 200);
    return answer.header("cache-status").starts_with("larder; hit");
  }
  WireAnswer Invalidate(const std::string& credential, const std::string& body,
                        const client::Headers& more = {}) const {
    client::Headers headers = {{"authorization", "Bearer " + credential},
                               {"content-type", "application/json"}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return Ask(gateway_.url(), "POST", kInvalidate, body, headers);
  }

  FakeUpstream upstream_{
      [](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); }};
  GatewayFixture gateway_{upstream_.base_url()};
};

TEST_F(LarderdInvalidateTest, CallerInvalidatesItsOwnEntriesOnly) {
  const client::Headers docs = {{"larder-tags", "docs, other"}};
  const client::Headers both = {{"larder-tags", "docs"}, {"larder-namespace", "n"}};
  const client::Headers none = {{"larder-sample", "1"}};
  for (const char* who : {"alice", "bob"}) {
    EXPECT_FALSE(IsHit(who, docs));
    EXPECT_FALSE(IsHit(who, both));
    EXPECT_FALSE(IsHit(who, none));
  }
  const WireAnswer done = Invalidate("alice", R"({"tags":["docs"]})");
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_GT(Json::parse(done.body)["number"].get<std::uint64_t>(), 0u);
  EXPECT_TRUE(IsHit("bob", docs));
  EXPECT_TRUE(IsHit("alice", both)) << "another namespace";
  EXPECT_TRUE(IsHit("alice", none)) << "not tagged";
  EXPECT_FALSE(IsHit("alice", docs));
  EXPECT_TRUE(IsHit("alice", docs)) << "what was fetched since holds";
  EXPECT_EQ(Invalidate("alice", R"({"tags":["docs"]})", {{"larder-namespace", "n"}}).status, 200);
  EXPECT_FALSE(IsHit("alice", both));
  EXPECT_TRUE(IsHit("alice", docs));
  EXPECT_TRUE(IsHit("bob", both));
}

TEST_F(LarderdInvalidateTest, OperatorsTagCoversAllCallers) {
  const client::Headers docs = {{"larder-tags", "docs"}};
  for (const char* who : {"alice", "bob"}) EXPECT_FALSE(IsHit(who, docs));
  ASSERT_TRUE(gateway_.InvalidateTag("docs"));
  for (const char* who : {"alice", "bob"}) EXPECT_FALSE(IsHit(who, docs));
}

// To name the tag of another scope only names a tag of one's own.
TEST_F(LarderdInvalidateTest, TagThatLooksLikeAnothersIsStillOnesOwn) {
  const client::Headers docs = {{"larder-tags", "docs"}};
  EXPECT_FALSE(IsHit("bob", docs));
  const std::string listed = Ask(gateway_.url(), "GET", kInvalidate).body;
  EXPECT_THAT(listed, HasSubstr("POST"));
  for (const char* tag : {"docs@0000000000000000", "@", "docs@"}) {
    EXPECT_EQ(Invalidate("mallory", Json{{"tags", {tag}}}.dump()).status, 200);
  }
  EXPECT_TRUE(IsHit("bob", docs));
}

TEST_F(LarderdInvalidateTest, WhatIsWrongIsNamedAndNothingIsInvalidated) {
  const client::Headers docs = {{"larder-tags", "docs"}};
  EXPECT_FALSE(IsHit("bob", docs));
  const std::string long_tag(257, 'x');
  Json many = {{"tags", Json::array()}};
  for (int i = 0; i < 33; ++i) many["tags"].push_back("docs" + std::to_string(i));
  for (const std::string& body :
       {std::string("{"), std::string("[]"), std::string(R"({"tags":[]})"),
        std::string(R"({"all":true})"), std::string(R"({"tags":["docs"],"all":true})"),
        std::string(R"({"tags":["docs",1]})"), std::string(R"({"tags":["docs",""]})"),
        R"({"tags":["docs",")" + long_tag + "\"]}", many.dump()}) {
    const WireAnswer answer = Invalidate("bob", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_TRUE(Json::parse(answer.body).contains("error")) << body;
  }
  const char* tags = R"({"tags":["docs"]})";
  EXPECT_EQ(Invalidate("bob", tags, {{"content-type", "text/plain"}}).status, 400)
      << "what any web page may send";
  EXPECT_EQ(Invalidate("bob", tags, {{"larder-namespce", "n"}}).status, 400);
  const WireAnswer got = Ask(gateway_.url(), "GET", kInvalidate);
  EXPECT_EQ(got.status, 405);
  EXPECT_EQ(got.header("allow"), "POST");
  EXPECT_TRUE(IsHit("bob", docs));
}

// However they are written; a tree of 8 MiB of brackets takes hundreds, on the thread of all
// others.
TEST_F(LarderdInvalidateTest, BodyThatNoTagsNeedIsRefusedUnread) {
  Json full = {{"tags", Json::array()}};
  for (int i = 10; i < 42; ++i) full["tags"].push_back(std::to_string(i) + std::string(254, 'x'));
  std::string escaped = full.dump(1, '\t');
  for (std::size_t at = 0; (at = escaped.find('x', at)) != escaped.npos;) {
    escaped.replace(at, 1, "\\u0078");
  }
  EXPECT_EQ(Invalidate("bob", escaped).status, 200) << "the largest that is right";
  const std::size_t before = gateway_.process().PeakMemory();
  const WireAnswer answer = Invalidate("bob", std::string(8 << 20, '['));
  EXPECT_EQ(answer.status, 413);
  EXPECT_TRUE(Json::parse(answer.body).contains("error"));
  EXPECT_LT(gateway_.process().PeakMemory() - before, 64U << 20);
}

TEST(LarderdOwnClientsInvalidateTest, KeyOfTheGatewayIsNeeded) {
  FakeUpstream upstream(
      [](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", kAnswer); });
  // SHA-256 of "key-of-app".
  const GatewayFixture gateway(
      upstream.base_url(),
      {{"gateway",
        R"({"clients": {"app": {"key_sha256": "ea15307d5014284174761b842f9352a857a93a3b2df3f23b69ac21d8b24ee805", "requests_per_minute": 1}}})"}});
  const auto ask = [&](const std::string& key) {
    return Ask(gateway.url(), "POST", kInvalidate, R"({"tags":["docs"]})",
               {{"authorization", "Bearer " + key}, {"content-type", "application/json"}});
  };
  EXPECT_EQ(ask("nobody").status, 401);
  EXPECT_EQ(ask("key-of-app").status, 200);
  EXPECT_EQ(ask("key-of-app").status, 429) << "it counts among its requests";
}

}  // namespace
}  // namespace larder::testing
