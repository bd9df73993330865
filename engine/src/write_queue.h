// WriteQueue: values that were handed out and are still to be written, and the thread that does
// that. So that no answer waits for a disk, however slow.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace larder {

// Thread-safe.
class WriteQueue {
 public:
  static constexpr std::chrono::milliseconds kMostWait{10};

  // Holds at most `most_bytes` of values, or one that is larger.
  explicit WriteQueue(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}
  // What is queued is done before.
  ~WriteQueue() { Stop(); }
  WriteQueue(const WriteQueue&) = delete;
  WriteQueue& operator=(const WriteQueue&) = delete;

  // What is there already stays, though it be more.
  void SetLimit(std::uint64_t most_bytes);
  // Errors are std::system_error.
  void Start();
  enum class Added { kYes, kFull, kNotRunning };
  // Runs `work` later. kFull: there was no room for kMostWait. Into an empty queue any size goes.
  Added Add(std::uint64_t bytes, std::function<void()> work);
  // Until all is done that was added before, at most so long. False: it is not.
  bool Wait(std::chrono::milliseconds patience);
  // Takes nothing more, and waits until all is done.
  void Stop();

 private:
  struct Item {
    std::uint64_t bytes = 0;
    std::function<void()> work;
  };
  void Run();

  std::mutex mutex_;
  std::condition_variable came_;
  std::condition_variable done_;
  // Guarded by mutex_.
  std::uint64_t most_bytes_;
  std::deque<Item> items_;
  std::uint64_t bytes_ = 0;
  std::uint64_t added_ = 0;
  std::uint64_t finished_ = 0;
  bool running_ = false;

  std::thread thread_;
};

}  // namespace larder
