#include "circuit_breaker.h"

#include <algorithm>

namespace larder::client {

CircuitBreaker::Permit::~Permit() {
  if (breaker_ != nullptr) breaker_->OnDropped(generation_, probe_);
}

void CircuitBreaker::Permit::End(Time now, bool success) {
  CircuitBreaker* breaker = std::exchange(breaker_, nullptr);
  if (breaker != nullptr) breaker->OnEnd(generation_, probe_, now, success);
}

std::optional<CircuitBreaker::Permit> CircuitBreaker::Admit(Time now) {
  const std::lock_guard lock(mutex_);
  if (config_.failures == 0 || state_ == CircuitState::kClosed) {
    return Permit(this, generation_, false);
  }
  if (state_ == CircuitState::kOpen) {
    if (now < until_) return std::nullopt;
    Enter(CircuitState::kHalfOpen);
  }
  if (probing_) return std::nullopt;
  probing_ = true;
  return Permit(this, generation_, true);
}

CircuitState CircuitBreaker::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void CircuitBreaker::Enter(CircuitState state) {
  state_ = state;
  ++generation_;
  failures_ = 0;
  probing_ = false;
  if (on_change_) on_change_(state);
}

void CircuitBreaker::Open(Time now) {
  constexpr int kMostDoublings = 3;
  until_ = now + config_.open_for * (1 << std::min(reopened_, kMostDoublings));
  Enter(CircuitState::kOpen);
}

void CircuitBreaker::OnEnd(std::uint64_t generation, bool probe, Time now, bool success) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_ || config_.failures == 0) return;
  if (success) {
    failures_ = 0;
    reopened_ = 0;
    if (probe) Enter(CircuitState::kClosed);
    return;
  }
  if (probe) {
    ++reopened_;
    return Open(now);
  }
  if (++failures_ >= config_.failures) Open(now);
}

void CircuitBreaker::OnDropped(std::uint64_t generation, bool probe) {
  const std::lock_guard lock(mutex_);
  if (generation == generation_ && probe) probing_ = false;
}

}  // namespace larder::client
