// Clock: where the cache takes its time from. Injected in tests.
#pragma once

#include <chrono>
#include <string>

namespace larder {

using Duration = std::chrono::milliseconds;
// Milliseconds since the Unix epoch. kNever compares greater than any real time.
using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;
inline constexpr TimePoint kNever = TimePoint::max();
inline constexpr Duration kForever = Duration::max();

// Thread-safe. The cache derives its own time from these three (docs/internals.md, "Time"),
// so that no step of the wall clock within one boot lengthens an entry's life.
class Clock {
 public:
  virtual ~Clock() = default;
  // The wall clock: may be stepped in either direction.
  virtual TimePoint Wall() const = 0;
  // Time since boot, suspend included; never goes back within one boot.
  virtual Duration SinceBoot() const = 0;
  // Differs between any two boots of any two machines.
  virtual std::string BootId() const = 0;

  // CLOCK_REALTIME, CLOCK_BOOTTIME and /proc/sys/kernel/random/boot_id. Lives for ever.
  static const Clock& System();
};

}  // namespace larder
