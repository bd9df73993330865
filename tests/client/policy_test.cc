#include "larder/client/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace larder::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

class PolicyTest : public ::testing::Test {
 protected:
  PolicyDecision Decide(std::vector<PolicyRule> rules) const {
    return Policy(std::move(rules))
        .Decide({.provider = provider_,
                 .path = path_,
                 .model = model_,
                 .headers = headers_,
                 .body = body_});
  }
  bool Matches(PolicyMatch match) const {
    PolicyRule rule;
    rule.match = std::move(match);
    return Decide({rule}).rule.has_value();
  }

  std::string provider_ = "openai";
  std::string path_ = "/v1/chat/completions";
  std::string model_ = "gpt-4o";
  Headers headers_ = {{"X-Team", "blue"}, {"x-two", "a"}, {"X-Two", "b"}};
  std::string body_ = R"({"model":"gpt-4o","temperature":0,"stream":true,"n":2,
                          "metadata":{"team":{"name":"red"},"list":[1]},"nothing":null})";
};

TEST(MatchesPatternTest, AsteriskStandsForAnyTextAndAllElseForItself) {
  EXPECT_TRUE(MatchesPattern("gpt-*", "gpt-4o"));
  EXPECT_TRUE(MatchesPattern("gpt-*", "gpt-"));
  EXPECT_TRUE(MatchesPattern("*", ""));
  EXPECT_TRUE(MatchesPattern("a*b*c", "axxbxbxc"));
  EXPECT_TRUE(MatchesPattern("*.com", "a.com.com"));
  EXPECT_TRUE(MatchesPattern("", ""));
  EXPECT_FALSE(MatchesPattern("gpt-*", "GPT-4"));
  EXPECT_FALSE(MatchesPattern("gpt-4", "gpt-4o"));
  EXPECT_FALSE(MatchesPattern("a?c", "abc"));
  EXPECT_FALSE(MatchesPattern("a*b*c", "axxbxb"));
  EXPECT_FALSE(MatchesPattern("", "a"));
}

TEST(MatchesPatternTest, ManyAsterisksCostNoMoreThanTheTextIsLong) {
  std::string pattern;
  for (int i = 0; i < 1000; ++i) pattern += "*a";
  EXPECT_FALSE(MatchesPattern(pattern + "b", std::string(5000, 'a')));
}

TEST_F(PolicyTest, WithoutRulesAllIsCached) {
  const PolicyDecision decision = Decide({});
  EXPECT_TRUE(decision.cache);
  EXPECT_EQ(decision.rule, std::nullopt);
  EXPECT_THAT(decision.tags, IsEmpty());
}

TEST_F(PolicyTest, FieldIsTheLastOfItsNameAtItsPlaceInTheObject) {
  PolicyMatch inner;
  inner.field["a.b"] = {FieldPattern(1.0)};
  const auto matches = [&](std::string body) {
    body_ = std::move(body);
    return Matches(inner);
  };
  EXPECT_TRUE(matches(R"({"a":{"c":{"b":2},"b":1,"d":[{"b":2}]},"b":2})"));
  EXPECT_TRUE(matches(R"({"a":{"b":2},"a":{"b":1}})"));
  EXPECT_TRUE(matches(R"({"id":12345678901234567890,"a":{"b":1.0}})")) << "of plain HTTP";
  EXPECT_FALSE(matches(R"({"a":{"b":1},"a":{}})"));
  EXPECT_FALSE(matches(R"({"a":{"b":1,"b":null}})"));
  EXPECT_FALSE(matches(R"({"a.b":1})"));
  EXPECT_FALSE(matches(R"({"":{"a":{"b":1}}})"));
  EXPECT_FALSE(matches(R"({"a":{"":{"b":1}}})"));
  EXPECT_FALSE(matches(R"({"a":[{"b":1}]})"));
  EXPECT_FALSE(matches(R"([{"a":{"b":1}}])"));
  EXPECT_FALSE(matches(R"({"c":{"a":{"b":1}}})"));
  EXPECT_FALSE(matches(R"({"a":{"b":1}} and more)"));
  EXPECT_FALSE(matches(R"({"a":{"b":1})"));
}

TEST_F(PolicyTest, FirstMatchDecidesAlone) {
  PolicyRule other;
  other.match.model = {"claude-*"};
  other.ttl = 1s;
  PolicyRule first;
  first.match.model = {"gpt-*"};
  first.ttl = 1h;
  PolicyRule second;
  second.cache = false;
  second.tags = {"second"};
  const PolicyDecision decision = Decide({other, first, second});
  EXPECT_EQ(decision.rule, 1U);
  EXPECT_EQ(decision.ttl, Duration(1h));
  EXPECT_TRUE(decision.cache);
  EXPECT_THAT(decision.tags, IsEmpty());
}

TEST_F(PolicyTest, AllThatIsSaidMustHoldAndOneOfAList) {
  EXPECT_TRUE(Matches({.provider = {"other", "open*"}, .path = {"/v1/*"}, .model = {"gpt-4o"}}));
  EXPECT_FALSE(Matches({.provider = {"open*"}, .path = {"/v2/*"}}));
  EXPECT_TRUE(Matches({}));
}

TEST_F(PolicyTest, HeadersMatchWithoutCaseInTheirNamesAndMustBeThere) {
  EXPECT_TRUE(Matches({.header = {{"x-team", {"bl*"}}}}));
  EXPECT_TRUE(Matches({.header = {{"x-two", {"a, b"}}}}));
  EXPECT_FALSE(Matches({.header = {{"x-team", {"Blue"}}}}));
  EXPECT_FALSE(Matches({.header = {{"x-none", {"*"}}}}));
}

TEST_F(PolicyTest, FieldsMatchByTypeAndValue) {
  EXPECT_TRUE(Matches({.field = {{"temperature", {0.0}}}}));
  EXPECT_TRUE(Matches({.field = {{"n", {1.0, 2.0}}}}));
  EXPECT_TRUE(Matches({.field = {{"stream", {true}}}}));
  EXPECT_TRUE(Matches({.field = {{"metadata.team.name", {std::string("r*")}}}}));
  EXPECT_FALSE(Matches({.field = {{"n", {std::string("2")}}}}));
  EXPECT_FALSE(Matches({.field = {{"stream", {false}}}}));
  EXPECT_FALSE(Matches({.field = {{"nothing", {std::string("*")}}}}));
  EXPECT_FALSE(Matches({.field = {{"metadata.team", {std::string("*")}}}}));
  EXPECT_FALSE(Matches({.field = {{"metadata.list.0", {1.0}}}}));
}

TEST_F(PolicyTest, BodyThatIsNoJsonHasNoFields) {
  body_ = "{";
  EXPECT_FALSE(Matches({.field = {{"model", {std::string("*")}}}}));
  EXPECT_TRUE(Matches({.model = {"*"}}));
}

TEST_F(PolicyTest, TagsAreFilledIn) {
  PolicyRule rule;
  rule.tags = {"model:{model}", "{provider}{path}",           "team:{header.x-team}",
               "n{field.n}",    "{field.metadata.team.name}", "plain"};
  EXPECT_THAT(Decide({rule}).tags, ElementsAre("model:gpt-4o", "openai/v1/chat/completions",
                                               "team:blue", "n2", "red", "plain"));
}

TEST_F(PolicyTest, TagWithAPartThatIsMissingIsLeftOut) {
  PolicyRule rule;
  rule.tags = {"a:{header.x-none}", "b:{field.none}", "c:{field.nothing}", "d:{field.metadata}"};
  EXPECT_THAT(Decide({rule}).tags, IsEmpty());
}

TEST_F(PolicyTest, WhatCannotBeInvalidatedByItsTagIsNotKept) {
  PolicyRule rule;
  rule.tags = {"team:{header.x-team}"};
  headers_ = {{"x-team", std::string(251, 'x')}};
  EXPECT_TRUE(Decide({rule}).cache);
  headers_ = {{"x-team", std::string(252, 'x')}};
  EXPECT_FALSE(Decide({rule}).cache);
}

TEST_F(PolicyTest, TemplatesAreChecked) {
  const auto complaint = [](const char* tag) {
    PolicyRule rule;
    rule.tags = {tag};
    return CheckPolicyRule(rule).message();
  };
  EXPECT_EQ(complaint("a:{model}:{header.x}{field.a.b}"), "");
  EXPECT_THAT(complaint("a:{modle}"), HasSubstr("no part {modle}; nearest is {model}"));
  EXPECT_THAT(complaint("a:{header.}"), HasSubstr("no part {header.}"));
  EXPECT_THAT(complaint("a:{model"), HasSubstr("a brace is not closed"));
  PolicyRule many;
  many.tags.assign(33, "t");
  EXPECT_EQ(CheckPolicyRule(many).message(), "found 33 tags; allowed: 32");
}

}  // namespace
}  // namespace larder::client
