// CacheClock: the cache's own time, made from wall clock and boot-time clock so that no step of
// the wall clock within one boot lengthens an entry's life (design: docs/internals.md, "Time").
//
// The adopted time is an anchor plus the time since boot. The wall clock is looked at about once a
// second. Behind the adopted time it is ignored. Ahead by more than 2 s it counts for reads at
// once (an entry may have expired: a miss is safe), and is adopted only after it has been ahead
// for 5 minutes on end, because what is adopted is used for reclaiming and never taken back. It is
// saved first, so that it is not taken back by a restart either.
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
  // `saved` is a default ClockAnchor for a new cache. `clock` must outlive this. Times outside of
  // the years 1970 to 9999, saved or of the wall clock, are nonsense: saved ones count as absent.
  CacheClock(const Clock& clock, const ClockAnchor& saved);

  // For reads: max(adopted time, wall clock while it is ahead by more than 2 s).
  TimePoint Now() const;
  // For reclaiming and for what is written: adopts a wall clock that is ahead after 5 minutes.
  TimePoint Adopted() const;
  // Looks at the wall clock; to be called about once a second. Now() does it by itself when the
  // last look is more than a second old. True: a lead has lasted for 5 minutes and waits to be
  // adopted.
  bool Tick() const;
  // What is to be kept, with the lead that waits. Once it is on disk, Adopt it: not before, or a
  // process killed in between would leave entries dated by a time that its successor is behind.
  ClockAnchor Save() const;
  void Adopt(const ClockAnchor& saved);

 private:
  using Millis = std::int64_t;  // what an atomic can hold

  Millis SinceBoot() const;
  void Look() const;

  // Constant after construction.
  const Clock& clock_;
  const std::string boot_id_;

  // Times at the instant of boot, in milliseconds since the epoch.
  mutable std::atomic<Millis> adopted_at_boot_{0};
  mutable std::atomic<Millis> reads_at_boot_{0};  // never less than adopted_at_boot_
  mutable std::atomic<Millis> last_look_{0};      // since boot

  mutable std::mutex look_mutex_;
  // Guarded by look_mutex_.
  mutable bool ahead_ = false;
  mutable Millis ahead_since_ = 0;  // since boot
  mutable Millis least_lead_ = 0;   // of the wall clock since then
  mutable Millis due_lead_ = 0;     // to be adopted; 0: none
};

}  // namespace larder
