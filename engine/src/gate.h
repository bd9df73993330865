// Gate: lets calls use something until it is shut, and shutting wait for those inside.
#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

namespace larder {

// Thread-safe. Entering costs one uncontended atomic addition: one counter a core (of 16).
class Gate {
 public:
  class Pass {
   public:
    explicit Pass(std::atomic<std::int64_t>* inside) : inside_(inside) {}
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (inside_ != nullptr) inside_->fetch_sub(1, std::memory_order_release);
    }
    explicit operator bool() const { return inside_ != nullptr; }

   private:
    std::atomic<std::int64_t>* const inside_;
  };

  // False if shut. The order (announce, then look) and that of Shut (shut, then count) are both
  // sequentially consistent, so that one of the two sees the other.
  Pass Enter() {
    std::atomic<std::int64_t>& inside =
        counters_[static_cast<unsigned>(sched_getcpu()) % kCounters].inside;
    inside.fetch_add(1);
    if (!shut_.load()) return Pass(&inside);
    inside.fetch_sub(1);
    return Pass(nullptr);
  }

  bool shut() const { return shut_.load(std::memory_order_acquire); }

  // Lets nobody in any more. False if it was shut before.
  bool Forbid() { return !shut_.exchange(true); }
  // After Forbid: waits until nobody is inside.
  void WaitUntilEmpty() {
    for (Counter& counter : counters_) {
      while (counter.inside.load() != 0) std::this_thread::sleep_for(kPoll);
    }
  }
  // Both.
  void Shut() {
    Forbid();
    WaitUntilEmpty();
  }
  void Open() { shut_.store(false); }

 private:
  static constexpr unsigned kCounters = 16;
  static constexpr std::chrono::microseconds kPoll{50};
  struct alignas(64) Counter {
    std::atomic<std::int64_t> inside{0};
  };
  std::array<Counter, kCounters> counters_;
  std::atomic<bool> shut_{false};
};

}  // namespace larder
