// Popularity: what a record carries about how often and how lately its entry was hit.
//
// Written at the put and refreshed by the sweeps of the eviction policy, which rewrite the
// survivors anyway; so a row tells its own worth, and no index of all entries is needed.
#pragma once

#include <cstdint>

namespace larder {

struct Popularity {
  // log2 of a decaying number of accesses in eighths of an octave, offset by kCountOfOne.
  static constexpr std::uint8_t kCountOfOne = 32;

  std::uint8_t count = kCountOfOne;
  // The access clock (hits + stores of this cache, ever) at the last noticed hit, or at the put.
  std::uint64_t stamp = 0;

  friend bool operator==(const Popularity&, const Popularity&) = default;
};

}  // namespace larder
