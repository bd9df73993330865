#include "guarded_log.h"

namespace larder {

void GuardedLog::Write(LogLevel level, std::string_view line) noexcept {
  if (!log_) return;
  try {
    std::unique_lock lock(mutex_);
    if (muted_) return;
    if (lines_.size() == kMostLines) {
      ++dropped_;
      return;
    }
    lines_.emplace_back(level, line);
    if (caller_ == std::thread::id()) HandOver(lock);
  } catch (...) {  // NOLINT(bugprone-empty-catch): no memory for a line, and nowhere to say it
  }
}

void GuardedLog::HandOver(std::unique_lock<std::mutex>& lock) noexcept {
  caller_ = std::this_thread::get_id();
  while (!lines_.empty() && !muted_) {
    const Line line = std::move(lines_.front());
    lines_.pop_front();
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    lock.unlock();
    try {
      log_(line.first, line.second);
      if (dropped != 0) {
        log_(LogLevel::kWarning, std::to_string(dropped) + " lines were dropped: the log is slow");
      }
    } catch (...) {  // NOLINT(bugprone-empty-catch): nowhere to say it
    }
    lock.lock();
  }
  caller_ = {};
  idle_.notify_all();
}

void GuardedLog::Mute() {
  std::unique_lock lock(mutex_);
  muted_ = true;
  const std::thread::id self = std::this_thread::get_id();
  idle_.wait(lock, [&] { return caller_ == std::thread::id() || caller_ == self; });
}

}  // namespace larder
