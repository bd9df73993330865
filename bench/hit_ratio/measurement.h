// Measurement: what one cache did with one trace, and the means over many.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulated_cache.h"
#include "trace.h"

namespace larder::hit_ratio {

// Shares of all accesses, first ones of a key included.
struct Measurement {
  double cost_saved = 0;
  double accesses_hit = 0;
  double bytes_hit = 0;
  double rewritten_per_stored = 0;  // bytes
  double memory_per_entry = 0;      // less the 256 KiB that do not grow with the cache
  std::uint64_t memory_bytes = 0;
  std::uint64_t entries = 0;
};

Measurement Measure(const Trace& trace, const MakeCache& make, std::uint64_t capacity);

// The policies compared, by the names that tables use. The engine's own is kOwn.
struct NamedPolicy {
  std::string name;
  MakeCache make;
};
inline constexpr char kOwn[] = "larder";
inline constexpr char kGdsf[] = "GDSF";
std::vector<NamedPolicy> AllPolicies(double drop);

}  // namespace larder::hit_ratio
