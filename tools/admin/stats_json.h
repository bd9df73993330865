// Stats as the JSON of `cachectl stats --json`.
#pragma once

#include <string>

#include "larder/stats.h"

namespace larder::admin {

std::string StatsToJson(const Stats& stats);

}  // namespace larder::admin
