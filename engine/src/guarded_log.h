// GuardedLog: the user's log function, made safe to call from threads that are not ours.
#pragma once

#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

#include "larder/options.h"

namespace larder {

// Thread-safe. What the function throws goes nowhere: RocksDB's threads would end the process.
class GuardedLog {
 public:
  explicit GuardedLog(std::function<void(LogLevel, std::string_view)> log) : log_(std::move(log)) {}

  void Write(LogLevel level, std::string_view line) noexcept {
    const std::lock_guard lock(mutex_);
    if (!log_) return;
    try {
      log_(level, line);
    } catch (...) {  // NOLINT(bugprone-empty-catch): nowhere to say it
    }
  }
  // From its return on the function is not called any more.
  void Mute() {
    const std::lock_guard lock(mutex_);
    log_ = nullptr;
  }

 private:
  std::mutex mutex_;
  std::function<void(LogLevel, std::string_view)> log_;  // guarded by mutex_
};

}  // namespace larder
