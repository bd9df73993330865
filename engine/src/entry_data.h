// EntryData: what an Entry handle points to. One allocation for this, one for all its bytes.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "larder/clock.h"
#include "large_blocks.h"
#include "ledger.h"
#include "popularity.h"

namespace larder {

struct EntryData {
  // Constant once the entry is shared.
  std::uint64_t number = 0;
  TimePoint created{};
  TimePoint fresh_until = kNever;
  TimePoint expires = kNever;
  Duration stale_while_revalidate{0};  // the longer of these two ends at `expires`
  Duration stale_if_error{0};
  Duration compute_time{0};
  bool negative = false;
  std::uint64_t cost_microusd = 0;
  OwnedBytes buffer;  // metadata, tags (as in the record), body, in this order
  std::string_view metadata;
  std::string_view tags;  // tag_count times: varint length, bytes
  std::uint32_t tag_count = 0;
  std::string_view body;
  std::vector<TagHash> tag_hashes;
  std::uint64_t key_hash = 0;  // HotTier::HashKey

  Popularity popularity;  // as the record is written; its writer's alone

  // Set once, after the write.
  mutable std::atomic<std::uint64_t> stored_bytes{0};
  // The ledger's generation at which this entry was last seen to hold; what was seen then about its
  // freshness is in fresh_at_most, which was set before.
  mutable std::atomic<std::uint64_t> held_at_generation{UINT64_MAX};
  // When a soft invalidation ended its freshness. Only ever lowered, so that one who looked
  // earlier cannot undo what another has seen since.
  mutable std::atomic<Duration::rep> fresh_at_most{Duration::max().count()};

  TimePoint FreshUntil() const {
    return std::min(fresh_until,
                    TimePoint(Duration(fresh_at_most.load(std::memory_order_relaxed))));
  }

  std::size_t MemoryBytes() const {
    return sizeof(EntryData) + CapacityOfBytes(buffer.get(), buffer.get_deleter().bytes) +
           tag_hashes.capacity() * sizeof(TagHash);
  }
};

// Fills buffer, metadata, tags and tag_hashes; leaves room for `body_bytes` of body, which the
// caller writes through the returned pointer. `tags` must be well formed.
char* FillEntry(EntryData& data, std::string_view metadata, std::string_view tags,
                std::uint32_t tag_count, std::size_t body_bytes);

}  // namespace larder
