// WalkEntries: all pages of a listing, entry by entry.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>

#include "cache_access.h"

namespace larder::cachectl {

// Calls `visit` with every entry that `request`, a GET of /v1/entries, is answered with, until it
// returns false. Returns how many rows were damaged.
Result<std::uint64_t> WalkEntries(CacheAccess& cache, admin::AdminRequest request,
                                  const std::function<bool(nlohmann::ordered_json)>& visit);

}  // namespace larder::cachectl
