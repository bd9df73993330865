// Restoring in a way that a crash leaves the old cache or the new one.
//
// All of the new cache is made in `restore.new/`, synced, and renamed to `restore.ready/`: from
// that instant on it is the cache. Moving its parts into place can be cut off at any point and is
// finished by whoever comes next, a restore or an opening.
#pragma once

#include <string>

#include "larder/status.h"

namespace larder {

// Finishes a restore that a crash cut off after its commit, drops one cut off before. The caller
// holds the directory's lock.
Status FinishRestore(const std::string& directory);

// Whether there is, or was, a cache of ours in `directory`, or one was being restored there.
bool IsCacheDirectory(const std::string& directory);

}  // namespace larder
