#include "provider_health.h"

#include <utility>

namespace larder::client {

const char* CircuitStateName(CircuitState state) {
  switch (state) {
    case CircuitState::kClosed: return "closed";
    case CircuitState::kOpen: return "open";
    case CircuitState::kHalfOpen: return "half_open";
  }
  return "";
}

ProviderHealth::ProviderHealth(const ProviderConfig& provider,
                               std::shared_ptr<ProviderCounters> shared,
                               const CircuitBreaker::OnChange& on_change)
    : retry(provider.retry),
      breaker_config(provider.breaker),
      counters(std::move(shared)),
      budget(provider.retry),
      breaker(provider.breaker, [counts = counters, on_change](CircuitState state) {
        if (state == CircuitState::kOpen) ++counts->circuit_openings;
        if (on_change) on_change(state);
      }) {}

ProviderStats ProviderHealth::Stats() const {
  return {.calls = counters->calls,
          .attempts = counters->attempts,
          .retries = counters->retries,
          .budget_refusals = counters->budget_refusals,
          .circuit_openings = counters->circuit_openings,
          .circuit_refusals = counters->circuit_refusals,
          .stale_if_error = counters->stale_if_error,
          .fallbacks = counters->fallbacks,
          .input_tokens = counters->input_tokens,
          .output_tokens = counters->output_tokens,
          .microusd = counters->microusd,
          .failed_attempts = counters->failed_attempts,
          .first_byte = counters->first_byte.Read(),
          .circuit = breaker.state()};
}

std::map<std::string, ProviderStats> HealthBoard::Snapshot() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ProviderStats> stats;
  for (const auto& [name, health] : providers_) stats[name] = health->Stats();
  return stats;
}

std::shared_ptr<ProviderHealth> HealthBoard::Of(const ProviderConfig& provider) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<ProviderHealth>& health = providers_[provider.name];
  if (health != nullptr && health->retry == provider.retry &&
      health->breaker_config == provider.breaker) {
    return health;
  }
  auto counters = health != nullptr ? health->counters : std::make_shared<ProviderCounters>();
  CircuitBreaker::OnChange on_change;
  if (on_change_) {
    on_change = [tell = on_change_, name = provider.name](CircuitState state) {
      tell(name, state);
    };
  }
  health = std::make_shared<ProviderHealth>(provider, std::move(counters), on_change);
  return health;
}

}  // namespace larder::client
