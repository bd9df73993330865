// LateCache: stands in for a cache that is not open yet, and hands on to it when it is.
#pragma once

#include <memory>

#include "larder/late_opening.h"
#include "late_opening.h"

namespace larder {

// OpenLate with something injected.
Result<std::unique_ptr<Cache>> OpenCacheLate(const Options& options,
                                             const CacheInternals& internals,
                                             const LateTiming& timing);

}  // namespace larder
