// RuleTimes: when the latest invalidations were made, by their numbers.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "larder/clock.h"

namespace larder {

// Thread-safe. Bounded: the oldest are forgotten. Numbers and times grow together.
class RuleTimes {
 public:
  void Note(std::uint64_t number, TimePoint time) {
    const std::lock_guard lock(mutex_);
    times_[number] = time;
    if (times_.size() > kMost) times_.erase(times_.begin());
  }
  // The epoch if it is not known.
  TimePoint Of(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    const auto found = times_.find(number);
    return found == times_.end() ? TimePoint{} : found->second;
  }
  // No earlier than it was made: where that is not known, when the next one was of which it is;
  // kNever if there is none.
  TimePoint AtMost(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    for (auto at = times_.lower_bound(number); at != times_.end(); ++at) {
      if (at->second != TimePoint{}) return at->second;
    }
    return kNever;
  }

 private:
  static constexpr std::size_t kMost = 4096;

  mutable std::mutex mutex_;
  std::map<std::uint64_t, TimePoint> times_;
};

}  // namespace larder
