// GroupWriters: which of a group's caches writes most.
//
// RocksDB flushes the memtable of the cache that writes when those of all together are full. If it
// is others that hold them, that is a file for each value, and soon there are so many that no more
// is written. So whoever does not write most gives up what it holds in time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>

#include "larder/clock.h"

namespace larder {

// Thread-safe.
class GroupWriters {
 public:
  // `cache` has written so much since it last said so, a second ago. Whether another writes more;
  // who has not said so for long hangs, and counts no more.
  bool OthersWriteMore(const void* cache, std::uint64_t writes, Duration now) {
    const std::lock_guard lock(mutex_);
    writes_[cache] = {.writes = writes, .at = now};
    return std::any_of(writes_.begin(), writes_.end(), [&](const auto& other) {
      return other.second.writes > writes && now - other.second.at <= kLatest;
    });
  }
  void Leave(const void* cache) {
    const std::lock_guard lock(mutex_);
    writes_.erase(cache);
  }

 private:
  static constexpr Duration kLatest = std::chrono::seconds(3);
  struct Latest {
    std::uint64_t writes = 0;
    Duration at{};
  };
  std::mutex mutex_;
  std::map<const void*, Latest> writes_;  // guarded by mutex_
};

}  // namespace larder
