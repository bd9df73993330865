// HotTier: decompressed entries in memory, bounded by bytes, evicted by S3-FIFO (Yang et al.,
// "FIFO queues are all you need for cache eviction", SOSP 2023): a small queue that most one-hit
// entries leave soon, a main queue with second chances, a ghost that remembers who left.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "entry_data.h"

namespace larder {

// Thread-safe; sharded by key hash. Hits on different cores write no cache line that they share,
// on the same key neither; that makes inserting and erasing a little slower. Knows nothing of
// validity: the caller checks what it finds.
class HotTier {
 public:
  explicit HotTier(std::size_t capacity_bytes);
  ~HotTier();
  HotTier(const HotTier&) = delete;
  HotTier& operator=(const HotTier&) = delete;

  // `hash` is HashKey(key) everywhere.
  static std::uint64_t HashKey(std::string_view key);

  std::shared_ptr<const EntryData> Find(std::string_view key, std::uint64_t hash);
  // The same, without counting as a use.
  std::shared_ptr<const EntryData> Peek(std::string_view key, std::uint64_t hash);
  // Replaces what is there. An entry over an eighth of a shard is not taken.
  void Insert(std::string_view key, std::uint64_t hash, std::shared_ptr<const EntryData> entry);
  void Erase(std::string_view key, std::uint64_t hash);
  // Erases only if `entry` is what is there.
  void EraseIf(std::string_view key, std::uint64_t hash, const EntryData* entry);

  // What is inserted next with this hash is taken for one that was used before.
  void Expect(std::uint64_t hash);
  // Of entries that were used again since they were inserted: the most used first, as many as take
  // `most_bytes`.
  std::vector<std::string> HottestKeys(std::size_t most_bytes) const;

  // Live; what is over it goes at once.
  void SetCapacity(std::size_t bytes);
  std::size_t capacity() const;

  std::size_t entries() const;
  std::size_t bytes() const;

 private:
  class Shard;
  Shard& ShardOf(std::uint64_t hash) const;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace larder
