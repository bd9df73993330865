#include "circuit_breaker.h"

#include <gtest/gtest.h>

#include <vector>

namespace larder::client {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void Fail(int times = 1) {
    for (int i = 0; i < times; ++i) Permit().Failed(now_);
  }
  CircuitBreaker::Permit Permit() {
    auto permit = breaker_.Admit(now_);
    EXPECT_TRUE(permit.has_value());
    return *std::move(permit);
  }
  bool Refuses() { return !breaker_.Admit(now_).has_value(); }

  CircuitBreaker::Time now_{std::chrono::hours(1)};
  std::vector<CircuitState> states_;
  CircuitBreaker breaker_{{.failures = 3, .open_for = 1s},
                          [this](CircuitState state) { states_.push_back(state); }};
};

TEST_F(CircuitBreakerTest, FailuresInARowOpenIt) {
  Fail(2);
  Permit().Succeeded(now_);
  Fail(2);
  EXPECT_EQ(breaker_.state(), CircuitState::kClosed);
  Fail();
  EXPECT_EQ(breaker_.state(), CircuitState::kOpen);
  EXPECT_TRUE(Refuses());
}

TEST_F(CircuitBreakerTest, OneProbeAtATimeDecides) {
  Fail(3);
  now_ += 999ms;
  EXPECT_TRUE(Refuses());
  now_ += 1ms;
  auto probe = Permit();
  EXPECT_TRUE(Refuses());
  probe.Succeeded(now_);
  EXPECT_EQ(breaker_.state(), CircuitState::kClosed);
  EXPECT_FALSE(Refuses());
  EXPECT_EQ(states_,
            (std::vector{CircuitState::kOpen, CircuitState::kHalfOpen, CircuitState::kClosed}));
}

TEST_F(CircuitBreakerTest, FailedProbesKeepItOpenLongerEachTimeUpToALimit) {
  Fail(3);
  now_ += 1s;
  for (const auto open_for : {2s, 4s, 8s, 8s}) {
    Fail();  // the probe
    now_ += open_for - 1ms;
    EXPECT_TRUE(Refuses());
    now_ += 1ms;
  }
  Permit().Succeeded(now_);
  Fail(3);
  now_ += 1s;  // short again
  EXPECT_FALSE(Refuses());
}

TEST_F(CircuitBreakerTest, ProbeWhoseCallerLeftFreesThePlaceForTheNext) {
  Fail(3);
  now_ += 1s;
  { const auto abandoned = Permit(); }
  EXPECT_EQ(breaker_.state(), CircuitState::kHalfOpen);
  Permit().Succeeded(now_);
  EXPECT_EQ(breaker_.state(), CircuitState::kClosed);
}

TEST_F(CircuitBreakerTest, WhatBeganBeforeItOpenedSaysNothing) {
  auto early = Permit();
  auto late = Permit();
  Fail(3);
  early.Succeeded(now_);
  EXPECT_EQ(breaker_.state(), CircuitState::kOpen);
  now_ += 1s;
  auto probe = Permit();
  late.Failed(now_);
  EXPECT_EQ(breaker_.state(), CircuitState::kHalfOpen);
  probe.Succeeded(now_);
  EXPECT_EQ(breaker_.state(), CircuitState::kClosed);
}

TEST_F(CircuitBreakerTest, NoFailuresAllowedMeansThatItNeverOpens) {
  CircuitBreaker never({.failures = 0, .open_for = 1s});
  for (int i = 0; i < 100; ++i) never.Admit(now_)->Failed(now_);
  EXPECT_EQ(never.state(), CircuitState::kClosed);
}

}  // namespace
}  // namespace larder::client
