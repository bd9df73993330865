#include "event_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace larder::gateway {
namespace {

using nlohmann::json;
using std::chrono_literals::operator""s;

class EventLogTest : public ::testing::Test {
 protected:
  // What there is since the last look.
  json Look() {
    const json answer = json::parse(log_.Since(next_));
    next_ = answer["next"];
    return answer;
  }

  std::chrono::steady_clock::time_point now_{1s};
  EventLog log_{[this] { return now_; }, [] { return std::int64_t{1'700'000'000'000}; }};
  std::uint64_t next_ = 0;
};

TEST_F(EventLogTest, WhatHappensAfterTheFirstLookIsShownOnceInItsOrder) {
  log_.OnMiss("before", MissReason::kAbsent);
  EXPECT_TRUE(Look()["events"].empty());
  log_.OnMiss("k", MissReason::kExpired);
  log_.OnStored({.key = "k", .raw_bytes = 20, .stored_bytes = 10, .cost_microusd = 3});
  log_.OnHit({.key = "k", .stale = true, .in_memory = true, .cost_microusd = 3});
  const json events = Look()["events"];
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0], json::parse(R"({"event":"miss","unix_ms":1700000000000,"key":"text:k",
                                       "reason":"expired"})"));
  EXPECT_EQ(events[1]["event"], "stored");
  EXPECT_EQ(events[1]["stored_bytes"], 10);
  EXPECT_EQ(events[2], json::parse(R"({"event":"hit","unix_ms":1700000000000,"key":"text:k",
                                       "stale":true,"in_memory":true,"microusd":3,"ms":0})"));
  EXPECT_TRUE(Look()["events"].empty());
}

TEST_F(EventLogTest, NothingIsNotedOnceNobodyAsksAnyMore) {
  Look();
  now_ += EventLog::kInterest;
  log_.OnMiss("unseen", MissReason::kAbsent);
  EXPECT_TRUE(Look()["events"].empty());
  now_ += EventLog::kInterest - std::chrono::nanoseconds(1);
  log_.OnMiss("seen", MissReason::kAbsent);
  EXPECT_EQ(Look()["events"].size(), 1U);
}

TEST_F(EventLogTest, WhoAsksTooSeldomIsToldHowManyWentBy) {
  Look();
  for (std::size_t i = 0; i < EventLog::kMostHeld + 5; ++i) {
    log_.OnMiss("k" + std::to_string(i), MissReason::kAbsent);
  }
  const json answer = Look();
  EXPECT_EQ(answer["lost"], 5);
  EXPECT_EQ(answer["events"].size(), EventLog::kMostHeld);
  EXPECT_EQ(answer["events"][0]["key"], "text:k5");
  EXPECT_EQ(Look()["lost"], 0);
}

TEST_F(EventLogTest, NumberOfAnotherProcessBeginsAnew) {
  next_ = 77;
  const json answer = Look();
  EXPECT_TRUE(answer["events"].empty());
  EXPECT_EQ(answer["lost"], 0);
  log_.OnMiss("k", MissReason::kAbsent);
  EXPECT_EQ(Look()["events"].size(), 1U);
}

}  // namespace
}  // namespace larder::gateway
