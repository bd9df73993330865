// CircuitBreaker: stops calling an upstream that only fails, and looks now and then whether it is
// back.
//
//   closed --(failures in a row)--> open --(time)--> half-open --(probe succeeds)--> closed
//                                     ^-----------(probe fails, twice the time)---'
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "larder/client/config.h"
#include "larder/client/health_board.h"

namespace larder::client {

// Thread-safe. Must outlive its permits.
class CircuitBreaker {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using OnChange = std::function<void(CircuitState)>;

  // Leave to make one attempt. Dropped without a word, the attempt says nothing of the upstream
  // (its caller hung up), and a probe is free for the next.
  class Permit {
   public:
    Permit(Permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)),
          generation_(other.generation_),
          probe_(other.probe_) {}
    // Swaps: what this one was goes with `other`.
    Permit& operator=(Permit&& other) noexcept {
      std::swap(breaker_, other.breaker_);
      std::swap(generation_, other.generation_);
      std::swap(probe_, other.probe_);
      return *this;
    }
    ~Permit();
    void Succeeded(Time now) { End(now, true); }
    void Failed(Time now) { End(now, false); }

   private:
    friend class CircuitBreaker;
    Permit(CircuitBreaker* breaker, std::uint64_t generation, bool probe)
        : breaker_(breaker), generation_(generation), probe_(probe) {}
    void End(Time now, bool success);

    CircuitBreaker* breaker_;
    std::uint64_t generation_;
    bool probe_;
  };

  // `on_change` is called under the breaker's lock, with the state it enters; it must not block.
  explicit CircuitBreaker(const BreakerConfig& config, OnChange on_change = {})
      : config_(config), on_change_(std::move(on_change)) {}

  // nullopt: open, or half-open with its probe under way.
  std::optional<Permit> Admit(Time now);
  CircuitState state() const;

 private:
  void Enter(CircuitState state);
  void Open(Time now);
  void OnEnd(std::uint64_t generation, bool probe, Time now, bool success);
  void OnDropped(std::uint64_t generation, bool probe);

  // Constant after construction.
  const BreakerConfig config_;
  const OnChange on_change_;

  // Guarded by mutex_.
  mutable std::mutex mutex_;
  CircuitState state_ = CircuitState::kClosed;
  std::uint64_t generation_ = 0;  // changes with the state: what began before it says nothing
  int failures_ = 0;              // in a row
  int reopened_ = 0;              // probes failed in a row
  bool probing_ = false;
  Time until_{};
};

}  // namespace larder::client
