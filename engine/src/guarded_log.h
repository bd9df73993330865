// GuardedLog: the user's log function, made safe to call from threads that are not ours.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "larder/options.h"

namespace larder {

// Thread-safe. The function is called by one thread at a time, without a lock held: lines that
// come meanwhile, from other threads or from within the function, are handed over by the one that
// is calling, so that a slow function holds up nobody else. What it throws goes nowhere: RocksDB's
// threads would end the process.
class GuardedLog {
 public:
  // Waiting to be handed over; what comes then is dropped, and said to be.
  static constexpr std::size_t kMostLines = 1000;

  explicit GuardedLog(std::function<void(LogLevel, std::string_view)> log) : log_(std::move(log)) {}

  void Write(LogLevel level, std::string_view line) noexcept;
  // From its return on the function is not called any more, but for the call that this is made
  // from. Waits for a call on another thread.
  void Mute();

 private:
  using Line = std::pair<LogLevel, std::string>;
  void HandOver(std::unique_lock<std::mutex>& lock) noexcept;

  std::mutex mutex_;
  std::condition_variable idle_;
  // Guarded by mutex_, but for log_, which only changes when nobody is calling it.
  std::function<void(LogLevel, std::string_view)> log_;
  bool muted_ = false;
  std::thread::id caller_;  // no thread: nobody is calling
  std::deque<Line> lines_;
  std::uint64_t dropped_ = 0;
};

}  // namespace larder
