#include "client_stats.h"

#include <nlohmann/json.hpp>

namespace larder::gateway {

std::string ClientStatsJson(const client::HealthBoard& board, const client::Refusals& refusals) {
  nlohmann::ordered_json json = {{"refusals", refusals.Counts()},
                                 {"providers", nlohmann::ordered_json::object()}};
  for (const auto& [name, stats] : board.Snapshot()) {
    json["providers"][name] = {{"calls", stats.calls},
                               {"attempts", stats.attempts},
                               {"retries", stats.retries},
                               {"budget_refusals", stats.budget_refusals},
                               {"circuit", client::CircuitStateName(stats.circuit)},
                               {"circuit_openings", stats.circuit_openings},
                               {"circuit_refusals", stats.circuit_refusals},
                               {"stale_if_error", stats.stale_if_error},
                               {"fallbacks", stats.fallbacks}};
  }
  return json.dump();
}

}  // namespace larder::gateway
