// RecentEvictions: the keys that were evicted lately, for Explain; the newer in the place of the
// older.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace larder {

// Thread-safe, lock-free. 128 KiB.
class RecentEvictions {
 public:
  RecentEvictions() : hashes_(kSlots) {}

  void Note(std::uint64_t key_hash) {
    hashes_[key_hash % kSlots].store(key_hash, std::memory_order_relaxed);
  }
  bool Has(std::uint64_t key_hash) const {
    return hashes_[key_hash % kSlots].load(std::memory_order_relaxed) == key_hash;
  }

 private:
  static constexpr std::size_t kSlots = std::size_t{1} << 14;
  std::vector<std::atomic<std::uint64_t>> hashes_;
};

}  // namespace larder
