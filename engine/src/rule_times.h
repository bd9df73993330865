// RuleTimes: when the latest invalidations were made, by their numbers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

#include "larder/clock.h"

namespace larder {

// Thread-safe. Bounded: the oldest are forgotten. Numbers and times grow together, but where a
// restore has put another branch's rules above those of a backup (ledger_copy.h).
class RuleTimes {
 public:
  void Note(std::uint64_t number, TimePoint time) {
    const std::lock_guard lock(mutex_);
    auto at = times_.insert_or_assign(number, Times{time, time}).first;
    TimePoint latest = at == times_.begin() ? forgotten_ : std::prev(at)->second.latest;
    for (; at != times_.end(); ++at) {
      latest = at->second.latest = std::max(latest, at->second.own);
    }
    if (times_.size() <= kMost) return;
    forgotten_ = times_.begin()->second.latest;
    times_.erase(times_.begin());
  }
  // The epoch if it is not known.
  TimePoint Of(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    const auto found = times_.find(number);
    return found == times_.end() ? TimePoint{} : found->second.own;
  }
  // No earlier than it was made, nor any with a lower number: each may cover what it covers. Where
  // its time is not known, when the next one was made of which it is; kNever if there is none.
  TimePoint AtMost(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    for (auto at = times_.lower_bound(number); at != times_.end(); ++at) {
      if (at->second.own != TimePoint{}) return at->second.latest;
    }
    return kNever;
  }

 private:
  static constexpr std::size_t kMost = 4096;
  struct Times {
    TimePoint own;
    TimePoint latest;  // of all up to this one
  };

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::uint64_t, Times> times_;
  TimePoint forgotten_{};  // the latest of those that are
};

}  // namespace larder
