// The running mean of the entries' cost per byte, and the unit that the ghost counts in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace larder {

// The plain mean of the first thousand, afterwards one that forgets.
inline float RunningMean(float mean, float value, std::uint64_t seen) {
  constexpr std::uint64_t kMemory = 1000;
  return mean + (value - mean) / static_cast<float>(std::min(seen, kMemory - 1) + 1);
}

// The ghost holds worths in units of half the mean density, so that what is remembered lies
// within its 16 octaves; less than one unit is not worth remembering. A logarithm, as the mean.
inline float GhostUnit(float mean_density_log2) { return mean_density_log2 - 1; }

}  // namespace larder
