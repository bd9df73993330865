// MiniatureCache: the eviction policy with one pair of exponents, on a sample of the keys.
//
// A cache of a few hundred entries over hash-sampled keys, at a capacity scaled alike, hits about
// as often as the whole one would. Sorted where the whole one has a threshold; otherwise the same
// counts, ghost and score. It holds no bodies.
#pragma once

#include <array>
#include <cstdint>

#include "ghost.h"
#include "popularity.h"

namespace larder {

// An access to an entry: a hit, or the store after a miss.
struct SampledAccess {
  std::uint64_t hash;
  std::uint64_t bytes;
  double cost;
};

// Not thread-safe.
class MiniatureCache {
 public:
  static constexpr std::size_t kMostEntries = 768;

  // Of one: itself, and the page of its ghost.
  static const std::size_t kMemoryBytes;

  explicit MiniatureCache(Exponents exponents);

  void SetCapacity(double bytes) { capacity_ = bytes; }
  // Whether it was a hit; if not, the entry is there afterwards, others may be gone.
  bool Access(const SampledAccess& access);
  std::size_t entries() const { return count_; }

 private:
  struct Entry {
    std::uint64_t hash;
    std::uint32_t bytes;
    std::uint32_t hits;   // since the last sweep
    std::uint32_t stamp;  // of the last noticed hit, or the store
    float accesses;
    float density;
    float score;
  };
  static constexpr std::size_t kSlots = 2048;  // open addressing
  static constexpr std::uint16_t kEmpty = 0xffff;

  std::size_t SlotOf(std::uint64_t hash) const;  // its own, or the empty one where it belongs
  void Insert(std::size_t slot, const SampledAccess& access);
  void Sweep();
  void Refresh(Entry& entry);
  void Rebuild();

  const Exponents exponents_;
  double capacity_ = 0;
  double bytes_ = 0;
  std::uint32_t clock_ = 0;
  std::uint32_t last_sweep_ = 0;
  float mean_density_ = 0;  // running mean of the logarithms
  std::uint32_t stored_ = 0;
  std::size_t count_ = 0;
  std::array<Entry, kMostEntries> entries_;
  std::array<std::uint16_t, kSlots> slots_;
  Ghost ghost_;
};

}  // namespace larder
