// CacheGroup: what several caches of one process share.
//
//   Result<std::shared_ptr<CacheGroup>> group = CacheGroup::Make(std::uint64_t{512} << 20);
//   Cache::Open({.directory = "/var/cache/a", .group = *group});
//   Cache::Open({.directory = "/var/cache/b", .group = *group});
//
// Block cache and write buffers of all its caches come out of the group's memory, so what one does
// not use is another's. Hot tier, ledger and counters stay each cache's own, within its
// max_memory_bytes: in all, the caches take the sum of these and of the group's. Flushing and
// merging is done by threads that all caches of a process share, in a group or not: as many pairs
// as there are caches, eight at most. The three threads that look after a cache stay its own. So a
// disk that hangs under fewer than eight caches stops no other.
#pragma once

#include <cstdint>
#include <memory>

#include "larder/result.h"

namespace larder {

class GroupWriters;
class StoreMemory;

// Thread-safe. Lives as long as one of its caches, or somebody who holds it.
class CacheGroup {
 public:
  static constexpr std::uint64_t kLeastMemoryBytes = std::uint64_t{16} << 20;

  // Errors: kInvalidArgument (under kLeastMemoryBytes).
  static Result<std::shared_ptr<CacheGroup>> Make(std::uint64_t max_memory_bytes);
  ~CacheGroup();
  CacheGroup(const CacheGroup&) = delete;
  CacheGroup& operator=(const CacheGroup&) = delete;

  // Live: what is over it goes at once, as far as nobody is reading it. Errors: as Make.
  Status SetMaxMemoryBytes(std::uint64_t bytes);
  std::uint64_t max_memory_bytes() const;
  // Taken now, by all caches together.
  std::uint64_t memory_bytes() const;

 private:
  friend class CacheCore;
  explicit CacheGroup(std::uint64_t max_memory_bytes);
  // Whether `cache`, which has written so many rows since it last asked, is to flush its memtable.
  bool WantsMemtableOf(const void* cache, std::uint64_t writes);
  void Leave(const void* cache);

  const std::shared_ptr<StoreMemory> memory_;
  const std::unique_ptr<GroupWriters> writers_;
};

}  // namespace larder
