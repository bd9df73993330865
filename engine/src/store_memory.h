// StoreMemory: the block cache, and the memtables that are charged to it; of one store, or of
// several that share it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace rocksdb {
class Cache;
class WriteBufferManager;
}  // namespace rocksdb

namespace larder {

// Thread-safe.
class StoreMemory {
 public:
  // Blocks, indexes, filters and memtables take `bytes` in all, of which memtables at most
  // `memtable_bytes`. Blocks that are being read may exceed it: a cache that refuses them would
  // turn a want of memory into failed reads.
  StoreMemory(std::uint64_t bytes, std::uint64_t memtable_bytes);
  void Set(std::uint64_t bytes, std::uint64_t memtable_bytes);

  // One of those who divide it among them, as long as it lives.
  class Part {
   public:
    explicit Part(std::shared_ptr<StoreMemory> memory) : memory_(std::move(memory)) {
      ++memory_->parts_;
    }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() { --memory_->parts_; }
    std::uint64_t bytes() const { return memory_->max_bytes() / memory_->parts_; }

   private:
    const std::shared_ptr<StoreMemory> memory_;
  };

  std::uint64_t max_bytes() const;
  std::uint64_t used_bytes() const;
  const std::shared_ptr<rocksdb::Cache>& block_cache() const { return block_cache_; }
  const std::shared_ptr<rocksdb::WriteBufferManager>& memtables() const { return memtables_; }

 private:
  std::atomic<std::uint64_t> parts_{0};
  const std::shared_ptr<rocksdb::Cache> block_cache_;
  const std::shared_ptr<rocksdb::WriteBufferManager> memtables_;
};

}  // namespace larder
