// TagTable: tag -> number of its latest invalidation, in bounded memory, with the floor under it.
//
// Numbers only grow. When there are too many tags the oldest eighth of them goes and the floor
// rises to the largest number that went: too much is invalid then, never too little.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace larder {

// Thread-safe. Sharded: a lookup takes one small lock a tag, and none at all while there is no
// tag. 18 to 28 bytes a tag.
class TagTable {
 public:
  explicit TagTable(std::size_t max_tags);

  // Raises the tag's number to `number`, which must not be 0.
  void Raise(std::uint64_t tag, std::uint64_t number);
  void RaiseFloor(std::uint64_t number);
  // Live. Where the floor has to go so that there are no more than that: the caller raises it, and
  // then drops what it covers. 0: there are not more.
  std::uint64_t SetMaxTags(std::size_t max_tags);
  // Forgets tags that the floor covers; only memory changes.
  void DropCovered();

  bool Holds(std::uint64_t number, std::span<const std::uint64_t> tags) const;
  // The number of the tag's latest invalidation, as far as it is not under the floor; else 0.
  std::uint64_t NumberOf(std::uint64_t tag) const;
  std::uint64_t floor() const { return floor_.load(std::memory_order_acquire); }

  // Calls `visit` for each tag, one shard locked at a time. What is raised meanwhile may be left
  // out; what is dropped meanwhile is under the floor, if that is read afterwards.
  void Visit(const std::function<void(std::uint64_t tag, std::uint64_t number)>& visit) const;

  std::size_t size() const { return size_.load(std::memory_order_acquire); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  std::size_t memory_bytes() const { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    std::uint64_t tag = 0;
    std::uint64_t number = 0;  // 0: free
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    // Guarded by mutex.
    std::vector<Slot> slots;  // open addressing, linear probing
    std::size_t used = 0;
  };

  Shard& ShardOf(std::uint64_t tag) const;
  static Slot& Find(std::vector<Slot>& slots, std::uint64_t tag);
  void MakeRoom(Shard& shard);
  static std::uint64_t OldestOf(const Shard& shard, std::size_t count);
  void DropUpTo(Shard& shard, std::uint64_t number);
  void Rebuild(Shard& shard, std::size_t slot_count, std::uint64_t drop_up_to);

  // Constant after construction.
  const std::size_t shard_count_;  // a power of two
  const std::unique_ptr<Shard[]> shards_;

  std::atomic<std::size_t> max_per_shard_;
  std::atomic<std::uint64_t> floor_{0};
  std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::size_t> memory_bytes_{0};
};

}  // namespace larder
