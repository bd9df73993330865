// OpenLate: for programs that serve their callers whether or not the disk of their cache does.
#pragma once

#include <chrono>
#include <memory>

#include "larder/cache.h"

namespace larder {

// As Cache::Open; but where that would wait for a disk that hangs, or fail for a fault that may
// pass (the directory, the state or the invalidations cannot be read, made or written), there is a
// cache all the same after `patience`, and it opens by itself when the disk lets it: looked at
// after 1, 2, 4, ... 64 s.
//
// Until then every read is a miss; concurrent ones still share one computation, and
// GetInMemory finds nothing. Nothing is stored. All that has to do with the disk is kUnavailable,
// invalidations and removals too: they are not acknowledged, and a caller tries again. Now and
// GetStats work, GetHealth is `reopening` and says why, Change holds for what will be opened, and
// StoreSecret is one of its own, under which nothing is ever stored. When the cache opens, what is
// being computed is handed to those who wait for it, not stored, and computed once more for whoever
// comes then. A cache that opened in time is the one that Cache::Open gives.
//
// This is a function of its own because it hides what a person at a terminal wants to be told: a
// tool that opens a cache for one command uses Cache::Open.
//
// Errors, all of the first attempt: kInvalidArgument (options out of range; or the directory is
// forbidden, or lies under something that is none: a mistake, not a fault), kUnavailable (another
// process holds it), kDataLoss (unreadable, and on_corruption is kFail).
Result<std::unique_ptr<Cache>> OpenLate(
    const Options& options, std::chrono::milliseconds patience = std::chrono::seconds(1));

}  // namespace larder
