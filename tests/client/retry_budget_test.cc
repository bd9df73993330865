#include "retry_budget.h"

#include <gtest/gtest.h>

namespace larder::client {
namespace {

using std::chrono_literals::operator""s;

constexpr RetryBudget::Time kStart{std::chrono::hours(1)};

int Drain(RetryBudget& budget, RetryBudget::Time now) {
  int taken = 0;
  while (budget.Withdraw(now)) ++taken;
  return taken;
}

TEST(RetryBudgetTest, RetriesAreAShareOfTheCallsInTheLongRun) {
  RetryConfig config;
  config.budget_ratio = 0.2;
  config.budget_per_second = 0;
  RetryBudget budget(config);
  EXPECT_EQ(Drain(budget, kStart), 20);  // it began full
  int retries = 0;
  for (int call = 0; call < 1000; ++call) {
    budget.Deposit();
    if (budget.Withdraw(kStart)) ++retries;
  }
  EXPECT_NEAR(retries, 200, 1);
}

TEST(RetryBudgetTest, ReserveFlowsInWithTimeAndNoFurtherThanItsLimit) {
  RetryConfig config;
  config.budget_ratio = 0;
  config.budget_per_second = 2;
  RetryBudget budget(config);
  EXPECT_EQ(Drain(budget, kStart), 20);
  EXPECT_EQ(Drain(budget, kStart + 3s), 6);
  EXPECT_EQ(Drain(budget, kStart + 2s), 0);  // a clock that went back gives nothing
  EXPECT_EQ(Drain(budget, kStart + 1000s), 20);
}

TEST(RetryBudgetTest, ASmallBudgetAllowsARetryNowAndThen) {
  RetryConfig config;
  config.budget_ratio = 0;
  config.budget_per_second = 0.05;
  RetryBudget reserve(config);
  EXPECT_EQ(Drain(reserve, kStart), 1);
  EXPECT_EQ(Drain(reserve, kStart + 19s), 0);
  EXPECT_EQ(Drain(reserve, kStart + 21s), 1);
  EXPECT_EQ(Drain(reserve, kStart + 1000s), 1) << "no more is saved up";

  config.budget_ratio = 0.005;
  config.budget_per_second = 0;
  RetryBudget share(config);
  EXPECT_EQ(Drain(share, kStart), 1);
  for (int call = 0; call < 201; ++call) share.Deposit();
  EXPECT_EQ(Drain(share, kStart), 1);
}

TEST(RetryBudgetTest, WithoutRatioAndReserveThereAreNoRetries) {
  RetryConfig config;
  config.budget_ratio = 0;
  config.budget_per_second = 0;
  RetryBudget budget(config);
  budget.Deposit();
  EXPECT_FALSE(budget.Withdraw(kStart));
}

}  // namespace
}  // namespace larder::client
