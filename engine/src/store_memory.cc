#include "store_memory.h"

#include <rocksdb/cache.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

namespace larder {
namespace {

// Few, so that a value of several MiB fits into one beside others.
constexpr int kShardBits = 2;

}  // namespace

StoreMemory::StoreMemory(std::uint64_t bytes, std::uint64_t memtable_bytes)
    : block_cache_(rocksdb::NewLRUCache(std::max(bytes, memtable_bytes), kShardBits)),
      memtables_(std::make_shared<rocksdb::WriteBufferManager>(memtable_bytes, block_cache_)) {}

void StoreMemory::Set(std::uint64_t bytes, std::uint64_t memtable_bytes) {
  block_cache_->SetCapacity(std::max(bytes, memtable_bytes));
  memtables_->SetBufferSize(memtable_bytes);
}

std::uint64_t StoreMemory::max_bytes() const { return block_cache_->GetCapacity(); }
std::uint64_t StoreMemory::used_bytes() const { return block_cache_->GetUsage(); }

}  // namespace larder
