#include "store_memory.h"

#include <rocksdb/cache.h>
#include <rocksdb/memory_allocator.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <cstddef>
#include <new>

#include "large_blocks.h"

namespace larder {
namespace {

// Few, so that a value of several MiB fits into one beside others.
constexpr int kShardBits = 2;

// Blocks with large rows in them from LargeBlocks. RocksDB does not say how large what it gives
// back was: that stands in front.
class BlockAllocator final : public rocksdb::MemoryAllocator {
 public:
  const char* Name() const override { return "larder"; }
  void* Allocate(std::size_t bytes) override {
    char* const front = TakeBytes(bytes + kFront);
    ::new (front) std::size_t(bytes + kFront);
    return front + kFront;
  }
  void Deallocate(void* block) override { GiveBackBytes(FrontOf(block), SizeOf(block)); }
  // What the cache is charged for.
  std::size_t UsableSize(void* block, std::size_t /*allocated*/) const override {
    return CapacityOfBytes(FrontOf(block), SizeOf(block)) - kFront;
  }

 private:
  static constexpr std::size_t kFront = alignof(std::max_align_t);

  static char* FrontOf(void* block) { return static_cast<char*>(block) - kFront; }
  static std::size_t SizeOf(void* block) {
    return *std::launder(reinterpret_cast<std::size_t*>(FrontOf(block)));
  }
};

std::shared_ptr<rocksdb::Cache> MakeBlockCache(std::size_t bytes) {
  rocksdb::LRUCacheOptions options;
  options.capacity = bytes;
  options.num_shard_bits = kShardBits;
  options.memory_allocator = std::make_shared<BlockAllocator>();
  return rocksdb::NewLRUCache(options);
}

}  // namespace

StoreMemory::StoreMemory(std::uint64_t bytes, std::uint64_t memtable_bytes)
    : block_cache_(MakeBlockCache(std::max(bytes, memtable_bytes))),
      memtables_(std::make_shared<rocksdb::WriteBufferManager>(memtable_bytes, block_cache_)) {}

void StoreMemory::Set(std::uint64_t bytes, std::uint64_t memtable_bytes) {
  block_cache_->SetCapacity(std::max(bytes, memtable_bytes));
  memtables_->SetBufferSize(memtable_bytes);
}

std::uint64_t StoreMemory::max_bytes() const { return block_cache_->GetCapacity(); }
std::uint64_t StoreMemory::used_bytes() const { return block_cache_->GetUsage(); }

}  // namespace larder
