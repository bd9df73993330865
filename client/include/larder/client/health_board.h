// HealthBoard: what is known of how the providers fare, shared by all stacks of a process.
//
// Retry budgets and circuit breakers belong to a provider, not to a stack: larderd has a stack for
// each thread. Stacks that are given no board have one of their own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "larder/client/config.h"
#include "larder/client/latency_histogram.h"

namespace larder::client {

enum class CircuitState { kClosed, kOpen, kHalfOpen };

// "closed", "open", "half_open"
const char* CircuitStateName(CircuitState state);

// Counts since the board was made.
struct ProviderStats {
  std::uint64_t calls = 0;            // that came past the cache
  std::uint64_t attempts = 0;         // sent upstream
  std::uint64_t retries = 0;          // of which not the first of their call
  std::uint64_t budget_refusals = 0;  // retries that were due, but not in the budget
  std::uint64_t circuit_openings = 0;
  std::uint64_t circuit_refusals = 0;  // calls that were not made because the circuit was open
  std::uint64_t stale_if_error = 0;    // answered from a stale entry instead of an error
  std::uint64_t fallbacks = 0;         // sent on to another provider
  // What the answers say they took, and what that cost where a price is known. Only of answers that
  // are understood: not of what passes through, nor of errors and cut answers.
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t microusd = 0;
  std::uint64_t failed_attempts = 0;  // of `attempts`: no answer came
  LatencyCounts first_byte = {};      // of the other attempts: until the head of the answer
  CircuitState circuit = CircuitState::kClosed;
};

class ProviderHealth;

// Thread-safe.
class HealthBoard {
 public:
  // Told when a provider's circuit changes its state; on any thread, must not block.
  using OnChange = std::function<void(const std::string& provider, CircuitState state)>;

  explicit HealthBoard(OnChange on_change = {}) : on_change_(std::move(on_change)) {}

  // By provider.
  std::map<std::string, ProviderStats> Snapshot() const;

  // For the stacks: the provider's health, made at first use. Changed settings begin with a full
  // budget and a closed circuit; counts go on.
  std::shared_ptr<ProviderHealth> Of(const ProviderConfig& provider);

 private:
  const OnChange on_change_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<ProviderHealth>> providers_;  // guarded by mutex_
};

}  // namespace larder::client
