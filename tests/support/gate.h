// Gate: holds threads up until a test lets them go on, so that an order of events is certain.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace larder::testing {

// Thread-safe. Once open, always open.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // False if nobody opened it in time, which only a broken test sees.
  bool Wait(std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;  // guarded by mutex_
};

}  // namespace larder::testing
