#include "turnstile.h"

#include <algorithm>
#include <chrono>
#include <thread>

namespace larder {

bool Turnstile::IsEmpty(unsigned side) const {
  return std::all_of(counters_.begin(), counters_.end(),
                     [side](const Counter& counter) { return counter.inside[side].load() == 0; });
}

void Turnstile::WaitUntilEmpty() const {
  constexpr std::chrono::microseconds kPoll{50};
  while (!IsEmpty(0) || !IsEmpty(1)) std::this_thread::sleep_for(kPoll);
}

bool Turnstile::Watch(Duration now, Duration limit) {
  const unsigned side = side_.load(std::memory_order_relaxed);
  if (late_) {
    // Whoever followed the one that hung is as suspect: in again only when all are out.
    late_ = !IsEmpty(0) || !IsEmpty(1);
    changed_ = now;
    return late_;
  }
  if (IsEmpty(side ^ 1U)) {
    side_.store(side ^ 1U, std::memory_order_relaxed);
    changed_ = now;
  } else {
    late_ = now - changed_ >= limit;
  }
  return late_;
}

}  // namespace larder
