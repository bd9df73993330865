// What the policy says, done by the whole stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using ::testing::HasSubstr;
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

}  // namespace
}  // namespace larder::client
