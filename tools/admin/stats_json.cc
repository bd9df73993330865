#include "stats_json.h"

#include <nlohmann/json.hpp>

namespace larder::admin {

std::string StatsToJson(const Stats& stats, const std::string& more) {
  nlohmann::ordered_json json;
  for (const StatField& field : StatFields()) json[field.name] = stats.*field.value;
  json["uptime_ms"] = stats.uptime.count();
  json["state"] = HealthStateName(stats.health.state);
  json["state_reason"] = HealthReasonName(stats.health.reason);
  json["state_since_unix_ms"] = stats.health.since.time_since_epoch().count();
  if (!more.empty()) json.update(nlohmann::ordered_json::parse(more));
  return json.dump();
}

}  // namespace larder::admin
