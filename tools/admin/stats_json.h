// Stats as the JSON of `cachectl stats --json`.
#pragma once

#include <string>

#include "larder/stats.h"

namespace larder::admin {

// `now`: the cache's own time. `more`: the text of a JSON object with further members; empty =
// none.
std::string StatsToJson(const Stats& stats, TimePoint now, const std::string& more);

}  // namespace larder::admin
