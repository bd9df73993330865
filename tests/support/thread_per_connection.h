// ThreadPerConnection: lets cpp-httplib hold any number of requests open at once; its own pool
// would queue the rest behind a fixed number of threads.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace larder::testing {

class ThreadPerConnection final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    std::thread([this, task = std::move(task)] {
      task();
      // Notified under the lock: once it is free, shutdown may return and this object be gone.
      const std::lock_guard lock(mutex_);
      --running_;
      finished_.notify_all();
    }).detach();
  }

  void shutdown() override {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [&] { return running_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable finished_;
  int running_ = 0;  // guarded by mutex_
};

}  // namespace larder::testing
