// top: what a running cache does, second by second.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "larder/client/units.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

constexpr Duration kShortest{10};

// What there was more of in the later one of two looks, a second.
class Rates {
 public:
  Rates(const ordered_json& before, const ordered_json& now)
      : before_(before), now_(now), seconds_(Seconds()) {}

  double Of(const char* field) const {
    const auto was = before_[field].get<double>();
    return std::max(0.0, now_[field].get<double>() - was) / seconds_;
  }

 private:
  double Seconds() const {
    const auto ms = now_["uptime_ms"].get<double>() - before_["uptime_ms"].get<double>();
    return std::max(ms, 1.0) / 1000;
  }
  const ordered_json& before_;
  const ordered_json& now_;
  const double seconds_;
};

std::string Rate(double a_second) {
  char text[32];
  std::snprintf(text, sizeof(text), a_second < 100 ? "%.1f/s" : "%.0f/s", a_second);
  return text;
}

Rows Table(const ordered_json& before, const ordered_json& now) {
  const Rates rates(before, now);
  const double hits = rates.Of("hits");
  const double reads = hits + rates.Of("misses");
  char share[32];
  std::snprintf(share, sizeof(share), "%.1f %%", reads > 0 ? 100 * hits / reads : 0.0);
  return {
      {"state",
       now["state"].get<std::string>() + ", space: " + ShowPressure(now["space_pressure"])},
      {"reads", Rate(reads) + ", of which hits " + share},
      {"  from memory", Rate(rates.Of("hot_hits"))},
      {"  misses", Rate(rates.Of("misses"))},
      {"  joined a flight", Rate(rates.Of("coalesced"))},
      {"stores", Rate(rates.Of("stores")) + ", " +
                     ShowBytes(static_cast<std::uint64_t>(rates.Of("stored_bytes"))) + "/s"},
      {"refused", Rate(rates.Of("refused"))},
      {"evicted", Rate(rates.Of("evicted"))},
      {"expired", Rate(rates.Of("expired"))},
      {"merges write",
       ShowBytes(static_cast<std::uint64_t>(rates.Of("merge_written_bytes"))) + "/s"},
      {"saved", ShowMicroUsd(static_cast<std::uint64_t>(rates.Of("microusd_saved") * 3600)) +
                    " an hour, " + ShowMicroUsd(now["microusd_saved"]) + " in all"},
      {"entries", ShowCount(now["entries"]) + ", in memory " + ShowCount(now["hot_entries"])},
      {"on disk", ShowBytes(now["disk_bytes"])},
      {"in memory", ShowBytes(now["memory_bytes"])},
  };
}

ordered_json RatesAsJson(const ordered_json& before, const ordered_json& now) {
  const Rates rates(before, now);
  ordered_json line = {{"now_unix_ms", now["now_unix_ms"]}, {"state", now["state"]}};
  for (const char* field :
       {"hits", "hot_hits", "stale_hits", "misses", "coalesced", "stores", "stored_bytes",
        "refused", "evicted", "expired", "merge_written_bytes", "microusd_saved"}) {
    line[std::string(field) + "_per_second"] = rates.Of(field);
  }
  for (const char* field : {"entries", "hot_entries", "disk_bytes", "memory_bytes"}) {
    line[field] = now[field];
  }
  return line;
}

Result<ordered_json> Look(CacheAccess& cache) {
  const Result<std::string> stats = cache.Call({.method = "GET", .path = "/v1/stats"});
  if (!stats.ok()) return stats.status();
  return ordered_json::parse(*stats);
}

}  // namespace

Result<tools::ExitStatus> RunTop(const Invocation& invocation, Console& console) {
  const Result<std::uint32_t> count = ReadNumber(invocation, "--times", UINT32_MAX);
  if (!count.ok()) return count.status();
  Duration interval = std::chrono::seconds(1);
  if (invocation.Has("--interval")) {
    const Result<Duration> given = client::ParseDuration(invocation.Value("--interval"));
    if (!given.ok()) return given.status().WithContext("--interval");
    interval = std::max(*given, kShortest);
  }
  const Result<std::unique_ptr<CacheAccess>> cache =
      ReachRunning(invocation, "what nobody uses does not change; see cachectl stats");
  if (!cache.ok()) return cache.status();
  Result<ordered_json> before = Look(**cache);
  const bool redraws = !console.json() && ::isatty(STDOUT_FILENO) == 1;
  for (std::uint32_t shown = 0; before.ok() && shown < *count && !console.failed(); ++shown) {
    std::this_thread::sleep_for(interval);
    Result<ordered_json> now = Look(**cache);
    if (!now.ok()) return now.status();
    if (console.json()) {
      console.Line(RatesAsJson(*before, *now).dump());
    } else {
      if (redraws) console.Write("\033[H\033[2J");
      console.Table(Table(*before, *now));
      if (!redraws && shown + 1 < *count) console.Line("");
    }
    std::fflush(stdout);
    before = std::move(now);
  }
  if (!before.ok()) return before.status();
  return tools::kExitDone;
}

}  // namespace larder::cachectl
