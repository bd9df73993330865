// What the eviction policy is told of an entry: the same at a hit, at a put and at a sweep.
#pragma once

#include <algorithm>
#include <cstdint>

#include "eviction_policy.h"
#include "larder/clock.h"

namespace larder {

// Policies compare costs. Where none is known, the time that the computation took stands in: a
// second of a large model's output is worth about a thousand micro-USD. Where neither is known,
// all cost the same.
inline double CostOf(std::uint64_t microusd, Duration compute_time) {
  if (microusd > 0) return static_cast<double>(microusd);
  return static_cast<double>(std::max<Duration::rep>(compute_time.count(), 1));
}

}  // namespace larder
