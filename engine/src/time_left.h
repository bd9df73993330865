// TimeLeft: how much of a caller's patience is left.
#pragma once

#include <algorithm>
#include <chrono>

#include "larder/clock.h"

namespace larder {

// By the real clock: a caller waits in real time.
class TimeLeft {
 public:
  explicit TimeLeft(Duration patience) : patience_(patience) {}

  // Zero when it is over; kForever if it never is.
  Duration operator()() const {
    if (patience_ == kForever) return kForever;
    const auto waited = std::chrono::duration_cast<Duration>(Steady::now() - began_);
    return std::max(patience_ - waited, Duration::zero());
  }

 private:
  using Steady = std::chrono::steady_clock;

  const Duration patience_;
  const Steady::time_point began_ = Steady::now();
};

}  // namespace larder
