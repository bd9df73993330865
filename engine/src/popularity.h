// Popularity: what a record carries about how often and how lately its entry was hit, and what
// an entry is worth.
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

// `count` as a number of accesses, and back. What lies between two steps goes up or down by
// `dice` (uniform 32 bits), so that small changes are not lost on average.
float CountOf(std::uint8_t count);
std::uint8_t EncodeCount(float accesses, std::uint32_t dice);

// A count `elapsed` accesses later. It halves over 100 times as many accesses as there are
// entries: slower costs nothing, faster costs hits.
float AgedCount(float count, double elapsed, double live_entries);

// An entry's worth is  count^count_power * cost/bytes * (idle + live_entries/2)^-idle_power,
// idle being the accesses since its last noticed hit.
struct Exponents {
  float count_power;
  float idle_power;
};
struct Worth {  // the logarithms to base 2 of the three factors
  float count;
  float density;  // cost per byte
  float idle;     // idle + live_entries/2

  float Score(const Exponents& exponents) const {
    return exponents.count_power * count + density - exponents.idle_power * idle;
  }
};
Worth WorthOf(float count, float density_log2, double idle, double live_entries);
// log2(cost / bytes); a cost of nothing counts as very little.
float DensityLog2(double cost, std::uint64_t bytes);

// Scatters `hash`; each `purpose` gets bits of its own.
constexpr std::uint64_t Mix(std::uint64_t hash, std::uint64_t purpose) {
  hash ^= purpose * 0x9e3779b97f4a7c15u;
  hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
  hash = (hash ^ (hash >> 32)) * 0xd6e8feb86659fd93u;
  return hash ^ (hash >> 32);
}

}  // namespace larder
