#include "retry_rule.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

ResponseHead Head(int status, const char* should_retry = nullptr) {
  ResponseHead head;
  head.status = status;
  if (should_retry != nullptr) head.headers.Set("X-Should-Retry", should_retry);
  return head;
}

TEST(RetryRuleTest, StatusesOfTheRuleAreWorthARetryAndNoOthers) {
  for (const int status : {408, 409, 429, 500, 502, 503, 504, 529, 599}) {
    EXPECT_TRUE(IsWorthRetrying(Head(status), /*may_harm=*/false)) << status;
  }
  for (const int status : {200, 204, 301, 304, 400, 401, 402, 403, 404, 413, 422, 499}) {
    EXPECT_FALSE(IsWorthRetrying(Head(status), /*may_harm=*/false)) << status;
  }
}

TEST(RetryRuleTest, ShouldRetryHeaderComesFirst) {
  EXPECT_TRUE(IsWorthRetrying(Head(400, "true"), /*may_harm=*/false));
  EXPECT_FALSE(IsWorthRetrying(Head(500, "false"), /*may_harm=*/false));
  EXPECT_TRUE(IsWorthRetrying(Head(500, "perhaps"), /*may_harm=*/false));
  EXPECT_FALSE(IsWorthRetrying(Head(200, "true"), /*may_harm=*/false));
}

TEST(RetryRuleTest, RequestThatMayHarmIsDoneAgainOnlyIfItWasNotDone) {
  EXPECT_TRUE(IsWorthRetrying(Head(429), /*may_harm=*/true));
  EXPECT_TRUE(IsWorthRetrying(Head(500, "true"), /*may_harm=*/true));
  EXPECT_FALSE(IsWorthRetrying(Head(429, "false"), /*may_harm=*/true));
  for (const int status : {400, 404, 408, 409, 500, 502, 503, 504, 529}) {
    EXPECT_FALSE(IsWorthRetrying(Head(status), /*may_harm=*/true)) << status;
  }
}

TEST(RetryRuleTest, EmptyAccountIsKnownByItsCode) {
  EXPECT_TRUE(IsOutOfQuota(R"({"error":{"message":"m","code":"insufficient_quota"}})"));
  EXPECT_TRUE(IsOutOfQuota(R"({"error":{"type":"insufficient_quota","code":null}})"));
  EXPECT_FALSE(IsOutOfQuota(R"({"error":{"code":"rate_limit_exceeded"}})"));
  EXPECT_FALSE(IsOutOfQuota(R"({"error":{"message":"insufficient_quota"}})"));
  for (const char* body :
       {"", "insufficient_quota", "[]", "{}", R"({"error":"x"})", "{\"error\":"}) {
    EXPECT_FALSE(IsOutOfQuota(body)) << body;
  }
}

TEST(RetryRuleTest, BackoffDoublesUpToItsLimitAndJitterOnlyShortens) {
  RetryConfig config;
  EXPECT_EQ(Backoff(config, 0, 0), 500ms);
  EXPECT_EQ(Backoff(config, 1, 0), 1s);
  EXPECT_EQ(Backoff(config, 4, 0), 8s);
  EXPECT_EQ(Backoff(config, 1000, 0), 8s);
  EXPECT_EQ(Backoff(config, 0, 1), 375ms);
  EXPECT_EQ(Backoff(config, 1, 0.5), 875ms);
}

}  // namespace
}  // namespace larder::client
