#include "stats_json.h"

#include <nlohmann/json.hpp>

namespace larder::admin {

std::string StatsToJson(const Stats& stats, TimePoint now, const std::string& more) {
  nlohmann::ordered_json json;
  for (const StatField& field : StatFields()) json[field.name] = stats.*field.value;
  json["uptime_ms"] = stats.uptime.count();
  json["state"] = HealthStateName(stats.health.state);
  json["state_reason"] = HealthReasonName(stats.health.reason);
  json["state_since_unix_ms"] = stats.health.since.time_since_epoch().count();
  json["state_detail"] = stats.health.detail;
  json["now_unix_ms"] = now.time_since_epoch().count();
  if (!more.empty()) json.update(nlohmann::ordered_json::parse(more));
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace larder::admin
