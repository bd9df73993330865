// RetryBudget: keeps retries a fraction of the calls, so that an upstream in trouble is not buried
// under them.
//
// A bucket of tokens, one a retry. Each call puts a part of a token in, and a small reserve flows
// in with time, for those who call rarely. Attempts that the calls themselves make cost nothing.
#pragma once

#include <algorithm>
#include <chrono>
#include <mutex>

#include "larder/client/config.h"

namespace larder::client {

// Thread-safe.
class RetryBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Begins full: with ten seconds of the reserve and what a hundred calls bring, but with room for
  // one retry if there are to be any.
  explicit RetryBudget(const RetryConfig& config)
      : ratio_(config.budget_ratio),
        per_second_(config.budget_per_second),
        most_(ratio_ + per_second_ > 0 ? std::max(1.0, 10 * per_second_ + 100 * ratio_) : 0),
        tokens_(most_) {}

  // A call was made.
  void Deposit();
  // Takes a retry out. False: there is none left.
  bool Withdraw(Time now);

 private:
  // Constant after construction.
  const double ratio_;
  const double per_second_;
  const double most_;

  std::mutex mutex_;
  double tokens_;  // guarded by mutex_
  Time filled_{};  // guarded by mutex_
};

}  // namespace larder::client
