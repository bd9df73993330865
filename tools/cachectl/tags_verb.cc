// tags: which tags the live entries have, and how much has each.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cache_access.h"
#include "console.h"
#include "entry_walk.h"
#include "human_units.h"
#include "progress.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

struct Sums {
  std::uint64_t entries = 0;
  std::uint64_t raw_bytes = 0;
  std::uint64_t stored_bytes = 0;
};
using Tags = std::map<std::string, Sums>;

Result<std::uint64_t> ReadTags(CacheAccess& cache, Tags& tags) {
  Progress progress("looking at tags", 0);
  std::uint64_t entries = 0;
  return WalkEntries(cache, {.method = "GET", .path = "/v1/entries"}, [&](ordered_json entry) {
    for (const ordered_json& tag : entry["tags"]) {
      Sums& sums = tags[tag.get<std::string>()];
      ++sums.entries;
      sums.raw_bytes += entry["raw_bytes"].get<std::uint64_t>();
      sums.stored_bytes += entry["stored_bytes"].get<std::uint64_t>();
    }
    ++entries;
    progress.Show(entries, ShowCount(entries) + " entries");
    return true;
  });
}

}  // namespace

Result<tools::ExitStatus> RunTags(const Invocation& invocation, Console& console) {
  const Result<std::uint32_t> limit = ReadNumber(invocation, "--limit", UINT32_MAX);
  if (!limit.ok()) return limit.status();
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  Tags tags;
  const Result<std::uint64_t> corrupt = ReadTags(**cache, tags);
  if (!corrupt.ok()) return corrupt.status();
  std::vector<std::pair<std::string, Sums>> sorted(tags.begin(), tags.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.stored_bytes > b.second.stored_bytes;
  });
  if (sorted.size() > *limit) sorted.resize(*limit);
  for (const auto& [tag, sums] : sorted) {
    console.Line(console.json()
                     ? ordered_json{{"tag", tag},
                                    {"entries", sums.entries},
                                    {"raw_bytes", sums.raw_bytes},
                                    {"stored_bytes", sums.stored_bytes}}
                           .dump()
                     : tag + "  " + ShowCount(sums.entries) + " entries, " +
                           ShowBytes(sums.raw_bytes) + " -> " + ShowBytes(sums.stored_bytes));
  }
  if (*corrupt > 0) {
    console.Note("cachectl: " + ShowCount(*corrupt) + " damaged entries were passed over");
  }
  return tools::kExitDone;
}

}  // namespace larder::cachectl
