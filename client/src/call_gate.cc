#include "call_gate.h"

namespace larder::client {

CallGate::PermitPtr CallGate::TryEnter() {
  {
    const std::lock_guard lock(mutex_);
    if (running_ >= limit_.max_concurrent) return nullptr;
    ++running_;
  }
  return std::make_shared<Permit>(shared_from_this());
}

std::unique_ptr<CallGate::Place> CallGate::Queue(OnTurn on_turn) {
  std::unique_lock lock(mutex_);
  const std::uint64_t number = next_number_++;
  auto place = std::make_unique<Place>(shared_from_this(), number);
  // One may have come back since the caller found none.
  if (running_ < limit_.max_concurrent) {
    ++running_;
    lock.unlock();
    on_turn(std::make_shared<Permit>(shared_from_this()));
    return place;
  }
  if (queue_.size() >= limit_.max_queued) {
    lock.unlock();  // dropping the place takes it again
    return nullptr;
  }
  queue_.emplace(number, std::move(on_turn));
  return place;
}

void CallGate::Leave() {
  OnTurn on_turn;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      --running_;
      return;
    }
    on_turn = std::move(queue_.begin()->second);
    queue_.erase(queue_.begin());
  }
  on_turn(std::make_shared<Permit>(shared_from_this()));
}

void CallGate::GiveUp(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  queue_.erase(number);
}

void CallGate::CountRefusal() {
  const std::lock_guard lock(mutex_);
  ++refused_;
}

CallStats CallGate::Stats() const {
  const std::lock_guard lock(mutex_);
  return {.running = running_, .queued = queue_.size(), .refused = refused_};
}

std::map<std::string, CallStats> CallLimits::Snapshot() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, CallStats> stats;
  for (const auto& [provider, gate] : gates_) stats[provider] = gate->Stats();
  return stats;
}

std::shared_ptr<CallGate> CallLimits::Of(const std::string& provider) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<CallGate>& gate = gates_[provider];
  if (gate == nullptr) gate = std::make_shared<CallGate>(limit_);
  return gate;
}

}  // namespace larder::client
