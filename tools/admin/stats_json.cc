#include "stats_json.h"

#include <nlohmann/json.hpp>

namespace larder::admin {
namespace {

struct Field {
  const char* name;
  std::uint64_t Stats::*value;
};

// In the order in which people read them.
constexpr Field kFields[] = {
    {"entries", &Stats::entries},
    {"raw_bytes", &Stats::raw_bytes},
    {"stored_bytes", &Stats::stored_bytes},
    {"disk_bytes", &Stats::disk_bytes},
    {"memory_bytes", &Stats::memory_bytes},
    {"hot_entries", &Stats::hot_entries},
    {"hot_bytes", &Stats::hot_bytes},
    {"ledger_tags", &Stats::ledger_tags},
    {"hits", &Stats::hits},
    {"hot_hits", &Stats::hot_hits},
    {"stale_hits", &Stats::stale_hits},
    {"misses", &Stats::misses},
    {"misses_absent", &Stats::misses_absent},
    {"misses_expired", &Stats::misses_expired},
    {"misses_invalidated", &Stats::misses_invalidated},
    {"misses_unwanted", &Stats::misses_unwanted},
    {"misses_corrupt", &Stats::misses_corrupt},
    {"misses_fault", &Stats::misses_fault},
    {"coalesced", &Stats::coalesced},
    {"stores", &Stats::stores},
    {"superseded", &Stats::superseded},
    {"refused", &Stats::refused},
    {"store_faults", &Stats::store_faults},
    {"removed", &Stats::removed},
    {"invalidated", &Stats::invalidated},
    {"expired", &Stats::expired},
    {"evicted", &Stats::evicted},
    {"microusd_saved", &Stats::microusd_saved},
    {"ms_saved", &Stats::ms_saved},
    {"fault_episodes", &Stats::fault_episodes},
    {"reopened", &Stats::reopened},
    {"quarantined", &Stats::quarantined},
};

}  // namespace

std::string StatsToJson(const Stats& stats) {
  nlohmann::ordered_json json;
  for (const Field& field : kFields) json[field.name] = stats.*field.value;
  json["uptime_ms"] = stats.uptime.count();
  json["state"] = HealthStateName(stats.health.state);
  json["state_reason"] = HealthReasonName(stats.health.reason);
  json["state_since_unix_ms"] = stats.health.since.time_since_epoch().count();
  return json.dump();
}

}  // namespace larder::admin
