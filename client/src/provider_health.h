// ProviderHealth: one provider's retry budget, circuit breaker and counters.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "circuit_breaker.h"
#include "larder/client/config.h"
#include "larder/client/health_board.h"
#include "retry_budget.h"

namespace larder::client {

struct ProviderCounters {
  std::atomic<std::uint64_t> calls = 0;
  std::atomic<std::uint64_t> attempts = 0;
  std::atomic<std::uint64_t> retries = 0;
  std::atomic<std::uint64_t> budget_refusals = 0;
  std::atomic<std::uint64_t> circuit_openings = 0;
  std::atomic<std::uint64_t> circuit_refusals = 0;
  std::atomic<std::uint64_t> stale_if_error = 0;
  std::atomic<std::uint64_t> fallbacks = 0;
  std::atomic<std::uint64_t> input_tokens = 0;
  std::atomic<std::uint64_t> output_tokens = 0;
  std::atomic<std::uint64_t> microusd = 0;
  std::atomic<std::uint64_t> failed_attempts = 0;
  LatencyHistogram first_byte;
};

// Thread-safe. Held by whoever has a permit of its breaker.
class ProviderHealth {
 public:
  ProviderHealth(const ProviderConfig& provider, std::shared_ptr<ProviderCounters> shared,
                 const CircuitBreaker::OnChange& on_change);

  ProviderStats Stats() const;

  // Constant after construction.
  const RetryConfig retry;
  const BreakerConfig breaker_config;
  const std::shared_ptr<ProviderCounters> counters;

  RetryBudget budget;
  CircuitBreaker breaker;
};

}  // namespace larder::client
