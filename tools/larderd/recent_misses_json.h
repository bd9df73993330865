// The recent misses that nearly were hits, as the JSON of `cachectl explain --recent --json`.
#pragma once

#include <cstddef>
#include <string>

#include "larder/cache.h"
#include "larder/client/recent_misses.h"

namespace larder::gateway {

// {"misses": [{"key", "nearest", "provider", "path", "age_ms", "nearest_age_ms", "nearest_stored",
// "differing"}]}, the latest first; "nearest_stored": what it is near to can be had now. May block
// on the store.
std::string RecentMissesJson(const client::RecentMisses& misses, Cache& cache, std::size_t limit);

}  // namespace larder::gateway
