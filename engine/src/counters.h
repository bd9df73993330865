// Counters: what happened, counted without shared cache lines.
#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "larder/flight.h"
#include "larder/stats.h"

namespace larder {

// The order is that of the state file: append only.
enum class Counter : unsigned {
  kRawBytes,
  kStoredBytes,
  kHits,
  kHotHits,
  kStaleHits,
  kMissesAbsent,
  kMissesExpired,
  kMissesInvalidated,
  kMissesUnwanted,
  kMissesCorrupt,
  kMissesFault,
  kCoalesced,
  kStores,
  kSuperseded,
  kRefused,
  kStoreFaults,
  kRemoved,
  kInvalidated,
  kExpired,
  kEvicted,
  kMicrousdSaved,
  kMsSaved,
  kFaultEpisodes,
  kReopened,
  kQuarantined,
  kEvictedBytes,
  kReclaimedBytes,
  kMergeReadBytes,
  kMergeWrittenBytes,
  kCount
};

inline Counter CounterOf(MissReason reason) {
  return static_cast<Counter>(static_cast<unsigned>(Counter::kMissesAbsent) +
                              static_cast<unsigned>(reason));
}

// Thread-safe. One row of counters a core (of 16), summed up on reading.
class Counters {
 private:
  static constexpr unsigned Index(Counter counter) { return static_cast<unsigned>(counter); }
  static constexpr unsigned kRows = 16;
  static constexpr auto kCounters = static_cast<std::size_t>(Counter::kCount);

 public:
  struct alignas(64) Row {
    void Add(Counter counter, std::uint64_t amount = 1) {
      if (amount == 0) return;
      values[Index(counter)].fetch_add(amount, std::memory_order_relaxed);
    }
    std::array<std::atomic<std::uint64_t>, kCounters> values{};
  };

  // The row of the core that this runs on, for who adds to several.
  Row& Here() { return rows_[static_cast<unsigned>(sched_getcpu()) % kRows]; }
  void Add(Counter counter, std::uint64_t amount = 1) { Here().Add(counter, amount); }
  std::vector<std::uint64_t> Read() const {
    std::vector<std::uint64_t> sums(kCounters, 0);
    for (const Row& row : rows_) {
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] += row.values[i].load(std::memory_order_relaxed);
      }
    }
    return sums;
  }
  std::uint64_t Sum(Counter counter) const {
    std::uint64_t sum = 0;
    for (const Row& row : rows_) {
      sum += row.values[Index(counter)].load(std::memory_order_relaxed);
    }
    return sum;
  }
  // Starts from what was saved, by a build that may have known fewer.
  void Load(const std::vector<std::uint64_t>& saved) {
    for (std::size_t i = 0; i < saved.size() && i < kCounters; ++i) {
      rows_[0].values[i].fetch_add(saved[i], std::memory_order_relaxed);
    }
  }
  std::atomic<std::uint64_t>& Cell(Counter counter) { return rows_[0].values[Index(counter)]; }
  void Fill(Stats& stats) const;

 private:
  std::array<Row, kRows> rows_;
};

}  // namespace larder
