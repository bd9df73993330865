// Stats as the JSON of `cachectl stats --json`.
#pragma once

#include <string>

#include "larder/stats.h"

namespace larder::admin {

// `more`: the text of a JSON object with further members; empty = none.
std::string StatsToJson(const Stats& stats, const std::string& more = "");

}  // namespace larder::admin
