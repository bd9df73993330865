// Health: whether the store serves, and if not, why and since when.
//
// A fault of the store is never a fault of the caller: calls go on, as misses where they must,
// nothing is stored meanwhile, and the store comes back by itself (docs/operations.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "larder/clock.h"

namespace larder {

enum class HealthState {
  kServing,
  kDegraded,   // nothing is stored; entries are read, unless the disk hangs
  kReopening,  // the store is being opened anew, or could not be yet: every call is a miss
  kClosed,
};

enum class HealthReason {
  kNone,
  kDiskFull,     // full, or nearly: what is left is kept for removals and merging
  kIoError,      // a write, flush or merge failed, or many reads on end
  kHangingDisk,  // a call has not come back within a second
  kCorruption,   // the store cannot be opened, and may not or could not be moved aside
  kJournal,      // invalidations hold in memory but cannot be written
};

struct Health {
  HealthState state = HealthState::kServing;
  HealthReason reason = HealthReason::kNone;
  bool reads = true;   // whether the store is asked for entries; those in memory are served always
  bool writes = true;  // whether values are stored
  TimePoint since{};   // wall clock at the latest change of state or reason
  std::string detail;  // the fault that began it, never with a key or a body; empty when serving
};

// "serving", "degraded", "reopening", "closed".
std::string_view HealthStateName(HealthState state);
// "none", "disk_full", "io_error", "hanging_disk", "corruption", "journal".
std::string_view HealthReasonName(HealthReason reason);

}  // namespace larder
