// GroupWriters: which of a group's caches writes most.
//
// RocksDB flushes the memtable of the cache that writes when those of all together are full. If it
// is others that hold them, that is a file for each value, and soon there are so many that no more
// is written. So whoever does not write most gives up what it holds in time.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

namespace larder {

// Thread-safe.
class GroupWriters {
 public:
  // `cache` has written so much since it last said so. Whether another writes more.
  bool OthersWriteMore(const void* cache, std::uint64_t writes) {
    const std::lock_guard lock(mutex_);
    writes_[cache] = writes;
    for (const auto& [other, theirs] : writes_) {
      if (theirs > writes) return true;
    }
    return false;
  }
  void Leave(const void* cache) {
    const std::lock_guard lock(mutex_);
    writes_.erase(cache);
  }

 private:
  std::mutex mutex_;
  std::map<const void*, std::uint64_t> writes_;  // guarded by mutex_; of the last second
};

}  // namespace larder
