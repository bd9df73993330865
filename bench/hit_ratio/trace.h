// Trace: accesses to a cache, read from a file: CSV, or CSV under zstd.
//
// The first line names the columns: `key`, and optionally `size` (bytes), `miss_cost` (any unit);
// others are passed over. A row is an access: one that misses stores the entry. Keys are any
// text. An entry keeps the size and cost that its first row gives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "larder/result.h"

namespace larder::hit_ratio {

struct Item {
  std::uint64_t hash = 0;
  std::uint64_t bytes = 1;
  double cost = 1;
};

struct Trace {
  std::string name;
  std::vector<std::uint32_t> accesses;  // indexes into items
  std::vector<Item> items;

  std::uint64_t FootprintBytes() const;
};

// At most `most_accesses` of them. Errors: kNotFound, kDataLoss (file and line are named).
Result<Trace> ReadTrace(const std::string& path, std::uint64_t most_accesses);

}  // namespace larder::hit_ratio
