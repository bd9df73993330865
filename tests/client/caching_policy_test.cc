// What the policy says, done by the whole stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "caching_fixture.h"
#include "larder/client/config_document.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

class CachingPolicyTest : public CachingFixture {
 protected:
  void Use(PolicyRule rule) {
    if (upstream_ == nullptr) Serve(AnswerChat);
    config_.providers["openai"].base_url = upstream_->base_url();
    config_.policy = Policy({std::move(rule)});
    stack_ = MakeStackWorker();
  }
  Answer Ask(const Request& request = ChatRequest()) { return stack_->Ask(request); }

  std::unique_ptr<Worker> stack_;
};

TEST_F(CachingPolicyTest, WhatIsNotToBeCachedGoesPast) {
  PolicyRule rule;
  rule.cache = false;
  Use(rule);
  EXPECT_EQ(Ask().cache, "larder; fwd=bypass; detail=policy");
  EXPECT_EQ(Ask().cache, "larder; fwd=bypass; detail=policy");
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingPolicyTest, LifetimeIsTheRules) {
  PolicyRule rule;
  rule.ttl = 10s;
  Use(rule);
  EXPECT_EQ(Ask().cache, "larder; fwd=miss; stored");
  EXPECT_EQ(Ask().outcome.ttl, Duration(10s));
  clock_.Advance(10s);
  EXPECT_EQ(Ask().cache, "larder; fwd=stale; stored");
}

TEST_F(CachingPolicyTest, RequestsOwnLifetimeComesFirst) {
  PolicyRule rule;
  rule.ttl = 10s;
  config_.cache.ttl_jitter = 0.5;
  Use(rule);
  Request request = ChatRequest();
  request.directives.ttl = 1h;
  Ask(request);
  EXPECT_EQ(Ask().outcome.ttl, Duration(1h));  // and without jitter
}

TEST_F(CachingPolicyTest, JitterShortensTheRulesLifetimeAsAFunctionOfTheKey) {
  PolicyRule rule;
  rule.ttl = 1000s;
  config_.cache.ttl_jitter = 0.5;
  Use(rule);
  std::set<Duration> lives;
  for (int i = 0; i < 20; ++i) {
    const Request request = ChatRequest("prompt " + std::to_string(i));
    Ask(request);
    const std::optional<Duration> ttl = Ask(request).outcome.ttl;
    ASSERT_TRUE(ttl.has_value());
    EXPECT_LE(*ttl, 1000s);
    EXPECT_GE(*ttl, 500s);
    lives.insert(*ttl);
  }
  EXPECT_GT(lives.size(), 10U);
}

TEST_F(CachingPolicyTest, ZeroIsNotStored) {
  PolicyRule rule;
  rule.ttl = Duration(0);
  Use(rule);
  EXPECT_EQ(Ask().cache, "larder; fwd=miss");
  EXPECT_EQ(Ask().cache, "larder; fwd=miss");
}

TEST_F(CachingPolicyTest, TagsOfTheRuleInvalidate) {
  PolicyRule rule;
  rule.tags = {"model:{model}"};
  Use(rule);
  Ask();
  EXPECT_TRUE(Ask().outcome.hit());
  Invalidate("model:gpt-3");
  EXPECT_TRUE(Ask().outcome.hit());
  Invalidate("model:gpt-4o");
  EXPECT_FALSE(Ask().outcome.hit());
}

TEST_F(CachingPolicyTest, StaleWindowOfTheRuleServesErrors) {
  std::atomic<bool> broken = false;
  Serve([&](UpstreamExchange& exchange) {
    if (!broken) return AnswerChat(exchange);
    exchange.Answer(503, "application/json", "{}", "x-should-retry: false\r\n");
  });
  PolicyRule rule;
  rule.ttl = 10s;
  rule.stale_if_error = 20s;
  Use(rule);
  Ask();
  broken = true;
  clock_.Advance(15s);
  EXPECT_THAT(Ask().cache, HasSubstr("ttl=-5; detail=stale-if-error"));
  clock_.Advance(15s);
  EXPECT_EQ(Ask().code, 503);
  stack_.reset();
}

// The rules as they are written in config.json.
class ConfiguredPolicyTest : public CachingPolicyTest {
 protected:
  void UseRules(const json& rules) {
    if (upstream_ == nullptr) Serve(AnswerChat);
    const std::string file = dir_ / "config.json";
    std::ofstream(file) << json{{"policy", rules}}.dump();
    const Result<ConfigDocument> document = ConfigDocument::Load({.file = file});
    ASSERT_OK(document);
    const Result<ClientConfig> config = ReadClientConfig(*document);
    ASSERT_OK(config);
    config_.policy = config->policy;
    UseAllDialects();
    stack_ = MakeStackWorker();
    claude_ = MakeStackWorker("claude");
  }
  // The upstream answers every request with this.
  void ServeJson(const json& body) {
    Serve([text = body.dump()](UpstreamExchange& exchange) {
      exchange.Answer(200, "application/json", text);
    });
  }
  void ServeChoice(const json& message, const char* finish) {
    const json choice = {{"index", 0}, {"message", message}, {"finish_reason", finish}};
    ServeJson({{"choices", {choice}}});
  }
  static Request With(const json& more, const std::string& target = "/v1/chat/completions") {
    Request request = ChatRequest();
    json body = json::parse(request.body);
    body.update(more);
    request.body = body.dump();
    request.target = target;
    return request;
  }
  bool IsKept(const Request& request) {
    Ask(request);
    return Ask(request).outcome.hit();
  }
  std::optional<Duration> LifeOf(const Request& request) {
    Ask(request);
    return Ask(request).outcome.ttl;
  }

  std::unique_ptr<Worker> claude_;
};

TEST_F(ConfiguredPolicyTest, RulesLookAtPathModelHeaderAndFieldAndTheFirstThatMatchesDecides) {
  UseRules({{{"match", {{"header", {{"x-env", "test*"}}}}}, {"cache", false}},
            {{"match", {{"field", {{"temperature", 0}}}}}, {"ttl", "40s"}},
            {{"match", {{"model", {"gpt-3*", "o1"}}}}, {"ttl", "30s"}},
            {{"match", {{"provider", "openai"}, {"path", "/v1/*"}}}, {"ttl", "20s"}}});
  Request test = ChatRequest();
  test.headers.Set("X-Env", "testing");
  EXPECT_EQ(Ask(test).cache, "larder; fwd=bypass; detail=policy");
  EXPECT_EQ(LifeOf(With({{"temperature", 0}, {"model", "o1"}})), Duration(40s));
  EXPECT_EQ(LifeOf(With({{"temperature", 1}, {"model", "o1"}})), Duration(30s));
  EXPECT_EQ(LifeOf(ChatRequest()), Duration(20s));
  EXPECT_EQ(LifeOf(With(json::object(), "/v2/chat/completions")), Duration(24h))
      << "as without a rule";
}

TEST_F(ConfiguredPolicyTest, StaleWhileRevalidateOfTheRuleHoldsForItsWhile) {
  std::atomic<int> version = 1;
  Serve([&](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", ChatJson("version " + std::to_string(version)));
  });
  UseRules({{{"ttl", "10s"}, {"stale_while_revalidate", "20s"}}});
  Ask();
  version = 2;
  clock_.Advance(15s);
  const Answer stale = Ask();
  EXPECT_THAT(stale.cache, StartsWith("larder; hit; ttl=-5; detail=stale-while-revalidate"));
  EXPECT_EQ(stale.body, ChatJson("version 1"));
  WaitForStores(2);
  const Answer renewed = Ask();
  EXPECT_EQ(renewed.body, ChatJson("version 2"));
  EXPECT_EQ(renewed.outcome.ttl, Duration(10s));
  version = 3;
  clock_.Advance(30s);
  EXPECT_EQ(Ask().body, ChatJson("version 3")) << "its window is over";
  stack_.reset();
}

TEST_F(ConfiguredPolicyTest, RuleTakesTheStaleWindowsOfTheCacheAway) {
  config_.cache.stale_while_revalidate = 1h;
  config_.cache.stale_if_error = 1h;
  Reopen();
  std::atomic<bool> broken = false;
  Serve([&](UpstreamExchange& exchange) {
    if (!broken) return AnswerChat(exchange);
    exchange.Answer(503, "application/json", "{}");
  });
  UseRules({{{"match", {{"model", "gpt-4o"}}},
             {"ttl", "10s"},
             {"stale_while_revalidate", "0s"},
             {"stale_if_error", "0s"}},
            {{"ttl", "10s"}}});
  const Request other = With({{"model", "o1"}});
  Ask();
  Ask(other);
  broken = true;
  clock_.Advance(15s);
  EXPECT_EQ(Ask().code, 503);
  EXPECT_EQ(Ask(other).code, 200);
  stack_.reset();
}

TEST_F(ConfiguredPolicyTest, TruncatedAnswersAreKeptAsTheRuleSays) {
  ServeChoice({{"content", "x"}}, "length");
  UseRules({{{"match", {{"model", "always"}}}, {"store_truncated", "always"}},
            {{"match", {{"model", "never"}}}, {"store_truncated", "never"}},
            {{"store_truncated", "when_limited"}}});
  for (const bool limited : {false, true}) {
    const json limit = limited ? json{{"max_tokens", 5}} : json::object();
    const auto kept = [&](const char* model) {
      json more = limit;
      more["model"] = model;
      return IsKept(With(more));
    };
    EXPECT_TRUE(kept("always"));
    EXPECT_FALSE(kept("never"));
    EXPECT_EQ(kept("by default"), limited);
  }
}

TEST_F(ConfiguredPolicyTest, FilteredAnswersAreKeptWhereTheRuleSaysSo) {
  ServeChoice({{"content", "x"}}, "content_filter");
  UseRules({{{"match", {{"model", "doubtful"}}}, {"store_content_filter", true}}});
  EXPECT_TRUE(IsKept(With({{"model", "doubtful"}})));
  EXPECT_FALSE(IsKept(ChatRequest()));
}

TEST_F(ConfiguredPolicyTest, RefusalsAreKeptWhereTheRuleSaysSo) {
  ServeChoice({{"content", nullptr}, {"refusal", "I will not"}}, "stop");
  UseRules({{{"match", {{"model", "doubtful"}}}, {"store_refusals", true}}});
  EXPECT_TRUE(IsKept(With({{"model", "doubtful"}})));
  EXPECT_FALSE(IsKept(ChatRequest()));
}

TEST_F(ConfiguredPolicyTest, RefusalsOfTheOtherProviderToo) {
  ServeJson({{"type", "message"},
             {"content", {{{"type", "text"}, {"text", "I will not"}}}},
             {"stop_reason", "refusal"}});
  UseRules(
      {{{"match", {{"provider", "claude"}, {"model", "doubtful"}}}, {"store_refusals", true}}});
  for (const bool kept : {true, false}) {
    const Request request =
        With({{"model", kept ? "doubtful" : "sure"}, {"max_tokens", 9}}, "/v1/messages");
    claude_->Ask(request);
    EXPECT_EQ(claude_->Ask(request).outcome.hit(), kept);
  }
}

TEST_F(ConfiguredPolicyTest, IncompleteResponsesAreKeptWhereTheRuleSaysSo) {
  ServeJson({{"status", "incomplete"},
             {"incomplete_details", {{"reason", "max_output_tokens"}}},
             {"output",
              {{{"type", "message"},
                {"content", {{{"type", "output_text"}, {"text", "half of it"}}}}}}}});
  UseRules({{{"match", {{"model", "doubtful"}}}, {"store_incomplete", true}}});
  const json limit = {{"model", "doubtful"}, {"max_output_tokens", 16}};
  EXPECT_TRUE(IsKept(With(limit, "/v1/responses")));
  EXPECT_FALSE(IsKept(With({{"model", "doubtful"}}, "/v1/responses"))) << "it is truncated, too";
  EXPECT_FALSE(IsKept(With({{"max_output_tokens", 16}}, "/v1/responses")));
}

TEST_F(ConfiguredPolicyTest, WhatDependsOnStateIsCachedWhereTheRuleSaysSo) {
  UseRules({{{"match", {{"header", {{"x-pure", "yes"}}}}}, {"cache_stateful", true}}});
  const auto pure = [](Request request) {
    request.headers.Set("x-pure", "yes");
    return request;
  };
  const Request kept = With({{"store", true}});
  EXPECT_EQ(Ask(kept).cache, "larder; fwd=bypass; detail=stateful");
  EXPECT_TRUE(IsKept(pure(kept)));
  EXPECT_TRUE(Ask(pure(kept)).outcome.hit());
  const Request other = pure(With({{"store", false}}));
  EXPECT_EQ(Ask(other).cache, "larder; fwd=miss; stored") << "the field belongs to the key";
  Request broken = pure(ChatRequest());
  broken.body = R"({"a":1,"a":2})";
  EXPECT_EQ(Ask(broken).cache, "larder; fwd=bypass; detail=not-i-json");
}

TEST_F(ConfiguredPolicyTest, TagsAreMadeOfHeadersAndFieldsAndInvalidateWhatCarriesThem) {
  UseRules(
      {{{"tags", {"team:{header.x-team}", "user:{field.metadata.user}", "{provider}{path}"}}}});
  const auto request = [](const std::string& team, const std::string& prompt) {
    Request made = With({{"metadata", {{"user", "u-" + team}}}, {"x", prompt}});
    if (!team.empty()) made.headers.Set("x-team", team);
    return made;
  };
  const Request red = request("red", "1");
  const Request blue = request("blue", "2");
  const Request none = request("", "3");
  for (const Request& one : {red, blue, none}) ASSERT_TRUE(IsKept(one));
  Invalidate("team:red");
  EXPECT_FALSE(Ask(red).outcome.hit());
  EXPECT_TRUE(Ask(blue).outcome.hit());
  Invalidate("user:u-blue");
  EXPECT_FALSE(Ask(blue).outcome.hit());
  EXPECT_TRUE(Ask(none).outcome.hit());
  Invalidate("team:");
  EXPECT_TRUE(Ask(none).outcome.hit()) << "a tag of which a part is missing is left out";
  Invalidate("openai/v1/chat/completions");
  EXPECT_FALSE(Ask(none).outcome.hit());
}

TEST_F(ConfiguredPolicyTest, WhatCannotCarryTheRulesTagGoesPast) {
  UseRules(json::array({{{"tags", json::array({"team:{header.x-team}"})}}}));
  Request request = ChatRequest();
  request.headers.Set("x-team", std::string(300, 't'));
  EXPECT_EQ(Ask(request).cache, "larder; fwd=bypass; detail=policy");
  EXPECT_EQ(cache_->GetStats().stores, 0U);
}

}  // namespace
}  // namespace larder::client
