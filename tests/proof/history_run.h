// HistoryRun: several threads at one cache, on few keys and tags, so that they meet; and a history
// of what they did.
#pragma once

#include <cstdint>
#include <string>

#include "history.h"

namespace larder::testing {

struct HistoryOptions {
  std::uint64_t seed = 1;
  unsigned threads = 4;
  unsigned operations = 1'000;  // of each thread
};

// On a cache of its own in memory, options as the seed has them.
HistoryVerdict RunHistory(const HistoryOptions& options);

}  // namespace larder::testing
