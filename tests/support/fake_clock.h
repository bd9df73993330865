// FakeClock: time that stands still until a test moves it.
#pragma once

#include <mutex>
#include <string>

#include "larder/clock.h"

namespace larder::testing {

// Thread-safe.
class FakeClock final : public Clock {
 public:
  TimePoint Wall() const override {
    const std::lock_guard lock(mutex_);
    return wall_;
  }
  Duration SinceBoot() const override {
    const std::lock_guard lock(mutex_);
    return since_boot_;
  }
  std::string BootId() const override {
    const std::lock_guard lock(mutex_);
    return "boot " + std::to_string(boot_);
  }

  // Time passes, on both clocks.
  void Advance(Duration by) {
    const std::lock_guard lock(mutex_);
    wall_ += by;
    since_boot_ += by;
  }
  // Somebody sets the wall clock, forward or back.
  void StepWall(Duration by) {
    const std::lock_guard lock(mutex_);
    wall_ += by;
  }
  void SetWall(TimePoint wall) {
    const std::lock_guard lock(mutex_);
    wall_ = wall;
  }
  // The machine starts anew; `off` passed meanwhile on the wall.
  void Reboot(Duration off) {
    const std::lock_guard lock(mutex_);
    ++boot_;
    since_boot_ = Duration(1000);
    wall_ += off;
  }

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_. 2026-01-01T00:00:00Z, an hour after boot.
  TimePoint wall_{std::chrono::seconds(1'767'225'600)};
  Duration since_boot_ = std::chrono::hours(1);
  int boot_ = 1;
};

}  // namespace larder::testing
