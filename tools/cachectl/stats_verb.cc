// stats: the counters of the cache.
#include <nlohmann/json.hpp>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::json;

struct Row {
  const char* label;
  const char* field;  // of the JSON
  std::string (*show)(std::uint64_t);
};

std::string ShowTime(std::uint64_t ms) { return ShowMs(static_cast<std::int64_t>(ms)); }

constexpr Row kSizes[] = {
    {"entries", "entries", ShowCount},
    {"on disk", "disk_bytes", ShowBytes},
    {"in memory", "memory_bytes", ShowBytes},
    {"  hot entries", "hot_entries", ShowCount},
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
    {"coalesced", "coalesced", ShowCount},       {"stores", "stores", ShowCount},
    {"superseded", "superseded", ShowCount},     {"refused", "refused", ShowCount},
    {"removed", "removed", ShowCount},           {"invalidations", "invalidated", ShowCount},
    {"expired", "expired", ShowCount},           {"evicted", "evicted", ShowCount},
    {"store faults", "store_faults", ShowCount},
};

constexpr Row kSaved[] = {
    {"cost", "microusd_saved", ShowMicroUsd},
    {"time", "ms_saved", ShowTime},
    {"uptime", "uptime_ms", ShowTime},
};

template <std::size_t n>
void Add(const Row (&table)[n], const json& stats, Rows& rows) {
  for (const Row& row : table) {
    rows.emplace_back(row.label, row.show(stats[row.field].get<std::uint64_t>()));
  }
}

Rows Table(const json& stats) {
  const auto hits = stats["hits"].get<std::uint64_t>();
  const auto misses = stats["misses"].get<std::uint64_t>();
  Rows rows = {{"Sizes", ""}};
  Add(kSizes, stats, rows);
  rows.emplace_back("Reads", "");
  rows.emplace_back("hits", ShowCount(hits) + " (" + ShowShare(hits, hits + misses) + ")");
  rows.emplace_back("  from memory", ShowCount(stats["hot_hits"].get<std::uint64_t>()));
  rows.emplace_back("  stale", ShowCount(stats["stale_hits"].get<std::uint64_t>()));
  rows.emplace_back("misses", ShowCount(misses));
  Add(kMisses, stats, rows);
  rows.emplace_back("Changes", "");
  Add(kChanges, stats, rows);
  rows.emplace_back("Saved", "");
  Add(kSaved, stats, rows);
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
    console.Table(Table(json::parse(*stats)));
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
