// SimulatedCache: a cache of items without bodies, bounded by bytes, with one way to choose what
// goes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace.h"

namespace larder::hit_ratio {

class SimulatedCache {
 public:
  virtual ~SimulatedCache() = default;
  // Whether `item` (an index into the trace's items) is there; if not, it is stored.
  virtual bool Access(std::uint32_t item) = 0;
  // Bytes written again to make room; caches with an index write none.
  virtual std::uint64_t RewrittenBytes() const { return 0; }
  // What deciding takes in memory; 0 where that is not told.
  virtual std::uint64_t MemoryBytes() const { return 0; }
  // Entries at the end; 0 where that is not told.
  virtual std::uint64_t Entries() const { return 0; }
};

using MakeCache = std::function<std::unique_ptr<SimulatedCache>(const std::vector<Item>&,
                                                                std::uint64_t capacity)>;

std::unique_ptr<SimulatedCache> MakeLru(const std::vector<Item>& items, std::uint64_t capacity);
std::unique_ptr<SimulatedCache> MakeFifo(const std::vector<Item>& items, std::uint64_t capacity);
std::unique_ptr<SimulatedCache> MakeSieve(const std::vector<Item>& items, std::uint64_t capacity);
std::unique_ptr<SimulatedCache> MakeS3Fifo(const std::vector<Item>& items, std::uint64_t capacity);
std::unique_ptr<SimulatedCache> MakeWTinyLfu(const std::vector<Item>& items,
                                             std::uint64_t capacity);
std::unique_ptr<SimulatedCache> MakeGdsf(const std::vector<Item>& items, std::uint64_t capacity);
// The engine's own policy, dropping this share of each slice.
MakeCache MakeSweep(double drop);

}  // namespace larder::hit_ratio
