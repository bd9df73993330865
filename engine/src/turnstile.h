// Turnstile: who may go into the store now, whether anybody is inside, and whether somebody has
// been there for too long.
//
// Entering and leaving cost one addition each, on one of 16 counters, and no clock is read. Time
// is told by turns: calls count on one of two sides; the watcher changes the side whenever the
// other one is empty. What is still on a side that was closed a second ago came in before that.
#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "larder/clock.h"

namespace larder {

// In this order: each admits what those before it do.
enum class Admission : int { kNone, kReads, kRemovals, kAll };

// Thread-safe.
class Turnstile {
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

  // False unless `needed` is admitted. The order (announce, then look) and that of Admit and
  // WaitUntilEmpty (forbid, then count) are sequentially consistent: one of the two sees the other.
  Pass Enter(Admission needed) {
    const unsigned side = side_.load(std::memory_order_relaxed);
    std::atomic<std::int64_t>& inside =
        counters_[static_cast<unsigned>(sched_getcpu()) % kCounters].inside[side];
    inside.fetch_add(1);
    if (admitted_.load() >= static_cast<int>(needed)) return Pass(&inside);
    inside.fetch_sub(1);
    return Pass(nullptr);
  }
  // Returns what was admitted before.
  Admission Admit(Admission most) {
    return static_cast<Admission>(admitted_.exchange(static_cast<int>(most)));
  }
  Admission admitted() const {
    return static_cast<Admission>(admitted_.load(std::memory_order_acquire));
  }

  // Whether nobody is inside; stays so only while nobody is admitted.
  bool IsEmpty() const { return IsEmpty(0) && IsEmpty(1); }
  // Blocks until nobody is inside; to be called when nobody is admitted.
  void WaitUntilEmpty() const;
  // Whether a call has been inside for `limit`; once one has, until nobody is inside. To be called
  // several times within `limit`, by one thread; `now` never goes back.
  bool Watch(Duration now, Duration limit);

 private:
  static constexpr unsigned kCounters = 16;
  bool IsEmpty(unsigned side) const;

  struct alignas(64) Counter {
    std::array<std::atomic<std::int64_t>, 2> inside{};
  };
  std::array<Counter, kCounters> counters_;
  std::atomic<int> admitted_{static_cast<int>(Admission::kNone)};
  std::atomic<unsigned> side_{0};

  // The watcher's alone.
  Duration changed_{0};  // when the side was
  bool late_ = false;
};

}  // namespace larder
