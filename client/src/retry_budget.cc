#include "retry_budget.h"

#include <algorithm>

namespace larder::client {

void RetryBudget::Deposit() {
  const std::lock_guard lock(mutex_);
  tokens_ = std::min(most_, tokens_ + ratio_);
}

bool RetryBudget::Withdraw(Time now) {
  const std::lock_guard lock(mutex_);
  if (now > filled_) {
    const std::chrono::duration<double> passed = now - filled_;
    tokens_ = std::min(most_, tokens_ + passed.count() * per_second_);
    filled_ = now;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace larder::client
