// Ghost: remembers what the evicted were worth, in four bytes an entry of the cache.
//
// Buckets of eight 16-bit slots, two slots an entry: 11 bits of the key's hash and 5 bits of a
// worth in half octaves. A key that comes back soon gets its count back instead of starting anew.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "reserved_array.h"

namespace larder {

// Thread-safe, lock-free: of two writes to one slot at the same instant, one may be lost. About
// 4 keys in 1,000 are taken for another.
class Ghost {
 public:
  explicit Ghost(std::size_t most_entries);

  // `worth_log2` below 0 is not worth a slot, above 15.5 counts as 15.5. In a full bucket the
  // least is replaced; every fourth call ages a slot of its bucket.
  void Put(std::uint64_t hash, float worth_log2);
  // What was put, to the next half octave; the slot is free afterwards.
  std::optional<float> Take(std::uint64_t hash);

  // As HitCounters.
  void Resize(std::size_t entries);
  std::size_t bytes() const { return 16 * buckets(); }
  void Save(std::size_t at, std::span<char> out) const;
  bool Fits(std::uint64_t saved_bytes, std::size_t entries) const;
  void Load(std::size_t at, std::span<const char> saved);

 private:
  std::size_t BucketsFor(std::size_t entries) const;
  std::size_t buckets() const { return buckets_in_use_.load(std::memory_order_relaxed); }

  ReservedArray<std::uint16_t> slots_;
  std::atomic<std::size_t> buckets_in_use_{1};
  std::atomic<std::uint32_t> puts_{0};
};

}  // namespace larder
