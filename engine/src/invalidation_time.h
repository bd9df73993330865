// TimeOfInvalidation: when an invalidation is made that is made now.
#pragma once

#include <algorithm>
#include <chrono>

#include "cache_clock.h"
#include "ledger.h"

namespace larder {

inline InvalidationTime TimeOfInvalidation(const CacheClock& clock) {
  // Of a cache's clock behind a wall clock that is right (cache_clock.cc): what was computed
  // elsewhere is dated by another one.
  constexpr std::chrono::seconds kMostLag{2};
  static_cast<void>(clock.Tick());  // what a wall clock has come to in the last second counts
  // A time before the epoch is nonsense.
  return {.soft = std::max(clock.Adopted(), TimePoint{}),
          .hard = std::max(clock.Now(), TimePoint{}) + kMostLag};
}

}  // namespace larder
