// CacheClock: the cache's own time, made from wall clock and boot-time clock so that no step of
// the wall clock within one boot lengthens an entry's life (design: docs/architecture.md, "Time").
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "larder/clock.h"

namespace larder {

// What is kept across restarts: time = anchor + time since boot, as long as the boot is the same.
struct ClockAnchor {
  std::string boot_id;
  TimePoint at_boot{};    // adopted time at the instant of boot
  TimePoint last_seen{};  // adopted time when this was saved
};

// Thread-safe; Now and Adopted are lock-free.
class CacheClock {
 public:
  // `saved` is a default ClockAnchor for a new cache. `clock` must outlive this.
  CacheClock(const Clock& clock, const ClockAnchor& saved);

  // For reads: max(adopted time, wall clock while it is ahead by more than 2 s).
  TimePoint Now() const;
  // For reclaiming and for what is written: adopts a wall clock that is ahead after 5 minutes.
  TimePoint Adopted() const;
  // Looks at the wall clock; to be called about once a second. Now() does it by itself when the
  // last look is more than a second old.
  void Tick() const;
  ClockAnchor Save() const;
};

}  // namespace larder
