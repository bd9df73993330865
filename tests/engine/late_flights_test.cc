#include "late_flights.h"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "fake_clock.h"

namespace larder {
namespace {

using namespace std::chrono_literals;  // NOLINT

class LateFlightsTest : public ::testing::Test {
 protected:
  Lease Lead(const ReadOptions& options = {}) {
    return std::get<Lease>(flights_.Acquire("k", options));
  }
  Flight Follow() { return std::get<Flight>(flights_.Acquire("k", {})); }

  testing::FakeClock clock_;
  LateFlights flights_{clock_, nullptr};
};

TEST_F(LateFlightsTest, LeaseThatIsOverdueIsGivenUpAndItsFollowersAcquireAgain) {
  const Lease overdue = Lead({.lease_timeout = 2s});
  const Flight flight = Follow();
  clock_.Advance(1s);
  flights_.Sweep();
  EXPECT_FALSE(overdue.ended());
  clock_.Advance(1s);
  const Lease next = Lead();
  flights_.Sweep();
  EXPECT_TRUE(overdue.ended()) << "though it is not joined any more";
  EXPECT_FALSE(next.ended());
  EXPECT_TRUE(flight.Wait().acquire_again);
}

TEST_F(LateFlightsTest, FollowerIsToldInTime) {
  Lease lease = Lead();
  std::optional<StatusCode> told;
  Follow().OnEnd([&told](const FlightEnd& end) { told = end.status.code(); }, 3s);
  clock_.Advance(2s);
  flights_.Sweep();
  EXPECT_EQ(told, std::nullopt);
  clock_.Advance(1s);
  flights_.Sweep();
  EXPECT_EQ(told, StatusCode::kDeadlineExceeded);
}

TEST_F(LateFlightsTest, FollowerOfALoneLeaseIsToldInTimeToo) {
  Lease lone = flights_.AcquireAlone("", {StatusCode::kInvalidArgument, "no key"});
  std::optional<StatusCode> told;
  lone.Follow().OnEnd([&told](const FlightEnd& end) { told = end.status.code(); }, 3s);
  clock_.Advance(3s);
  flights_.Sweep();
  EXPECT_EQ(told, StatusCode::kDeadlineExceeded);
}

TEST_F(LateFlightsTest, WhatHasEndedIsForgotten) {
  for (int i = 0; i < 10'000; ++i) {
    Acquired acquired = flights_.Acquire(std::to_string(i), {});
    std::get<Lease>(acquired).Commit("v");
  }
  EXPECT_TRUE(flights_.empty());
  EXPECT_LT(flights_.known(), 1'000u);
  const Lease lease = Lead();
  EXPECT_FALSE(flights_.empty());
}

}  // namespace
}  // namespace larder
