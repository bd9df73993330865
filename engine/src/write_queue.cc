#include "write_queue.h"

#include <utility>

namespace larder {

void WriteQueue::SetLimit(std::uint64_t most_bytes) {
  {
    const std::lock_guard lock(mutex_);
    most_bytes_ = most_bytes;
  }
  done_.notify_all();  // who waits for room may have it
}

void WriteQueue::Start() {
  const std::lock_guard lock(mutex_);
  thread_ = std::thread([this] { Run(); });
  running_ = true;
}

WriteQueue::Added WriteQueue::Add(std::uint64_t bytes, std::function<void()> work) {
  {
    std::unique_lock lock(mutex_);
    done_.wait_for(lock, kMostWait,
                   [&] { return !running_ || bytes_ == 0 || bytes_ + bytes <= most_bytes_; });
    if (!running_) return Added::kNotRunning;
    if (bytes_ != 0 && bytes_ + bytes > most_bytes_) return Added::kFull;
    items_.push_back({.bytes = bytes, .work = std::move(work)});
    bytes_ += bytes;
    ++added_;
  }
  came_.notify_one();
  return Added::kYes;
}

void WriteQueue::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    came_.wait(lock, [this] { return !running_ || !items_.empty(); });
    if (items_.empty()) return;
    Item item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    try {
      item.work();
    } catch (...) {  // NOLINT(bugprone-empty-catch): want of memory; whoever waits has been told
    }
    item.work = nullptr;  // what it holds goes before it counts as done
    lock.lock();
    bytes_ -= item.bytes;
    ++finished_;
    done_.notify_all();
  }
}

bool WriteQueue::Wait(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const std::uint64_t until = added_;
  return done_.wait_for(lock, patience, [&] { return finished_ >= until; });
}

void WriteQueue::Stop() {
  {
    const std::lock_guard lock(mutex_);
    running_ = false;
  }
  came_.notify_one();
  done_.notify_all();
  if (thread_.joinable()) thread_.join();
}

}  // namespace larder
