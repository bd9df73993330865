// stats: the counters of the cache.
#include <nlohmann/json.hpp>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

struct Row {
  const char* label;
  const char* field;  // of the JSON
  std::string (*show)(std::uint64_t);
};

std::string ShowTime(std::uint64_t ms) { return ShowMs(static_cast<std::int64_t>(ms)); }

// All that the JSON has; a number that is in no table here is shown by its name, under "Others".
constexpr Row kSizes[] = {
    {"entries", "entries", ShowCount},
    {"on disk", "disk_bytes", ShowBytes},
    {"in memory", "memory_bytes", ShowBytes},
    {"  hot entries", "hot_entries", ShowCount},
    {"  hot", "hot_bytes", ShowBytes},
    {"written, raw", "raw_bytes", ShowBytes},
    {"written, stored", "stored_bytes", ShowBytes},
    {"tags invalidated", "ledger_tags", ShowCount},
};

constexpr Row kMisses[] = {
    {"  absent", "misses_absent", ShowCount},
    {"  expired", "misses_expired", ShowCount},
    {"  invalidated", "misses_invalidated", ShowCount},
    {"  not as asked", "misses_unwanted", ShowCount},
    {"  corrupt", "misses_corrupt", ShowCount},
    {"  store fault", "misses_fault", ShowCount},
};

constexpr Row kChanges[] = {
    {"coalesced", "coalesced", ShowCount},   {"stores", "stores", ShowCount},
    {"superseded", "superseded", ShowCount}, {"refused", "refused", ShowCount},
    {"removed", "removed", ShowCount},       {"invalidations", "invalidated", ShowCount},
    {"expired", "expired", ShowCount},       {"evicted", "evicted", ShowCount},
};

constexpr Row kSpace[] = {
    {"pressure", "space_pressure", ShowPressure},
    {"dead, not given back", "reclaimable_bytes", ShowBytes},
    {"evicted", "evicted_bytes", ShowBytes},
    {"given back", "reclaimed_bytes", ShowBytes},
    {"merges read", "merge_read_bytes", ShowBytes},
    {"merges wrote", "merge_written_bytes", ShowBytes},
};

constexpr Row kFaults[] = {
    {"store faults", "store_faults", ShowCount},
    {"  episodes", "fault_episodes", ShowCount},
    {"  reopened", "reopened", ShowCount},
    {"  to quarantine", "quarantined", ShowCount},
};

constexpr Row kSaved[] = {
    {"cost", "microusd_saved", ShowMicroUsd},
    {"time", "ms_saved", ShowTime},
    {"uptime", "uptime_ms", ShowTime},
};

// What is shown is taken out.
template <std::size_t n>
void Add(const Row (&table)[n], ordered_json& stats, Rows& rows) {
  for (const Row& row : table) {
    rows.emplace_back(row.label, row.show(stats[row.field].get<std::uint64_t>()));
    stats.erase(row.field);
  }
}

void AddState(ordered_json& stats, Rows& rows) {
  const std::string state = stats["state"];
  rows.emplace_back("state", state);
  if (state != "serving") {
    rows.emplace_back("  why", stats["state_reason"].get<std::string>());
    rows.emplace_back("  since", ShowDate(stats["state_since_unix_ms"].get<std::int64_t>()));
    rows.emplace_back("  began with", stats["state_detail"].get<std::string>());
    std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
  }
  for (const char* name : {"state", "state_reason", "state_since_unix_ms", "state_detail"}) {
    stats.erase(name);
  }
}

void AddOthers(const ordered_json& stats, Rows& rows) {
  rows.emplace_back("Others", "");
  for (const auto& [name, value] : stats.items()) {
    if (value.is_number()) rows.emplace_back(name, value.dump());
  }
  if (rows.back().second.empty()) rows.pop_back();
}

Rows Table(ordered_json stats) {
  const auto hits = stats["hits"].get<std::uint64_t>();
  const auto misses = stats["misses"].get<std::uint64_t>();
  Rows rows;
  AddState(stats, rows);
  rows.emplace_back("Sizes", "");
  Add(kSizes, stats, rows);
  rows.emplace_back("Reads", "");
  rows.emplace_back("hits", ShowCount(hits) + " (" + ShowShare(hits, hits + misses) + ")");
  rows.emplace_back("  from memory", ShowCount(stats["hot_hits"].get<std::uint64_t>()));
  rows.emplace_back("  stale", ShowCount(stats["stale_hits"].get<std::uint64_t>()));
  rows.emplace_back("misses", ShowCount(misses));
  Add(kMisses, stats, rows);
  rows.emplace_back("Changes", "");
  Add(kChanges, stats, rows);
  rows.emplace_back("Space", "");
  Add(kSpace, stats, rows);
  rows.emplace_back("Faults", "");
  Add(kFaults, stats, rows);
  rows.emplace_back("Saved", "");
  Add(kSaved, stats, rows);
  for (const char* name : {"hits", "hot_hits", "stale_hits", "misses", "now_unix_ms"}) {
    stats.erase(name);
  }
  AddOthers(stats, rows);
  return rows;
}

}  // namespace

Result<tools::ExitStatus> RunStats(const Invocation& invocation, Console& console) {
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  const Result<std::string> stats = (*cache)->Call({.method = "GET", .path = "/v1/stats"});
  if (!stats.ok()) return stats.status();
  if (console.json()) {
    console.Line(*stats);
  } else {
    console.Table(Table(ordered_json::parse(*stats)));
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
