// MemoryPlan: how max_memory_bytes is divided.
//
// Fixed shares go to the queue of writes and to the store (block cache, with the tables' indexes
// and filters in it and the memtables charged to it); the eviction policy, the ledger and the
// trainer's samples have limits, and take what they need. The hot tier gets all that is left.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace larder {

struct MemoryPlan {
  // `group_bytes`: what the store has from a CacheGroup instead; 0 = it is in none.
  explicit MemoryPlan(std::uint64_t max_memory_bytes, std::uint64_t group_bytes = 0);

  // What is left when the others take `used` bytes in all; never less than a sixteenth.
  std::uint64_t HotTierBytes(std::uint64_t used) const {
    const std::uint64_t taken = used + store_bytes + queue_bytes;
    return std::max(limit / 16, limit > taken ? limit - taken : 0);
  }

  std::uint64_t limit;
  std::uint64_t store_bytes;
  std::uint64_t write_buffer_bytes;  // a memtable, at most
  std::uint64_t queue_bytes;         // values handed out and not written yet
  // Of large values on their way to the store, and of large blocks that are kept to be used again;
  // beside the limit, as what merges hold.
  std::uint64_t in_flight_bytes;
  std::uint64_t kept_bytes;
  // At most:
  std::uint64_t policy_bytes;
  std::size_t ledger_tags;
  std::size_t sample_bytes;
};

}  // namespace larder
