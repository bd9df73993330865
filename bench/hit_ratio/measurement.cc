#include "measurement.h"

#include <algorithm>

namespace larder::hit_ratio {

Measurement Measure(const Trace& trace, const MakeCache& make, std::uint64_t capacity) {
  constexpr double kFixedBytes = 256 << 10;
  const std::unique_ptr<SimulatedCache> cache = make(trace.items, capacity);
  double cost = 0;
  double bytes = 0;
  double stored = 0;
  Measurement sums;
  for (const std::uint32_t access : trace.accesses) {
    const Item& item = trace.items[access];
    cost += item.cost;
    bytes += static_cast<double>(item.bytes);
    if (cache->Access(access)) {
      sums.cost_saved += item.cost;
      sums.accesses_hit += 1;
      sums.bytes_hit += static_cast<double>(item.bytes);
    } else if (item.bytes <= capacity) {
      stored += static_cast<double>(item.bytes);
    }
  }
  sums.cost_saved /= cost;
  sums.accesses_hit /= static_cast<double>(trace.accesses.size());
  sums.bytes_hit /= bytes;
  if (stored > 0) {
    sums.rewritten_per_stored = static_cast<double>(cache->RewrittenBytes()) / stored;
  }
  sums.memory_bytes = cache->MemoryBytes();
  sums.entries = cache->Entries();
  if (sums.entries > 0) {
    const double growing = static_cast<double>(sums.memory_bytes) - kFixedBytes;
    sums.memory_per_entry = std::max(0.0, growing) / static_cast<double>(sums.entries);
  }
  return sums;
}

std::vector<NamedPolicy> AllPolicies(double drop) {
  return {{kOwn, MakeSweep(drop)},    {kGdsf, MakeGdsf},       {"LRU", MakeLru},
          {"FIFO", MakeFifo},         {"S3-FIFO", MakeS3Fifo}, {"SIEVE", MakeSieve},
          {"W-TinyLFU", MakeWTinyLfu}};
}

}  // namespace larder::hit_ratio
