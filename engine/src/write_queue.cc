#include "write_queue.h"

#include <utility>

namespace larder {

void WriteQueue::Start() {
  const std::lock_guard lock(mutex_);
  thread_ = std::thread([this] { Run(); });
  running_ = true;
}

bool WriteQueue::Add(std::uint64_t bytes, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (!running_ || bytes_ + bytes > most_bytes_) return false;
    items_.push_back({.bytes = bytes, .work = std::move(work)});
    bytes_ += bytes;
    ++added_;
  }
  came_.notify_one();
  return true;
}

void WriteQueue::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    came_.wait(lock, [this] { return !running_ || !items_.empty(); });
    if (items_.empty()) return;
    Item item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    item.work();
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
  if (thread_.joinable()) thread_.join();
}

}  // namespace larder
