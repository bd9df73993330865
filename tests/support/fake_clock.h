// FakeClock: time stands still until a test moves it.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "larder/clock.h"

namespace larder::testing {

// Thread-safe. Starts in 2026, an hour after its first boot.
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
    return boot_id_;
  }

  // Time goes by, for both clocks.
  void Advance(Duration by) {
    const std::lock_guard lock(mutex_);
    wall_ += by;
    since_boot_ += by;
  }
  // Somebody sets the wall clock.
  void StepWall(Duration by) {
    const std::lock_guard lock(mutex_);
    wall_ += by;
  }
  void SetWall(TimePoint wall) {
    const std::lock_guard lock(mutex_);
    wall_ = wall;
  }
  // The machine was off for `off` and is back.
  void Reboot(std::string boot_id, Duration off = Duration::zero()) {
    const std::lock_guard lock(mutex_);
    boot_id_ = std::move(boot_id);
    wall_ += off;
    since_boot_ = Duration::zero();
  }

 private:
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  TimePoint wall_{std::chrono::milliseconds(1'790'000'000'000)};
  Duration since_boot_ = std::chrono::hours(1);
  std::string boot_id_ = "first boot";
};

}  // namespace larder::testing
