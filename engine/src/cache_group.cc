#include "larder/cache_group.h"

#include <rocksdb/write_buffer_manager.h>

#include <string>

#include "group_writers.h"
#include "store_memory.h"

namespace larder {
namespace {

// When memtables take more than this of the group's memory, caches that write little flush theirs;
// what is being flushed takes as much again. RocksDB, which flushes whoever writes, does so only if
// they do not keep up.
constexpr std::uint64_t kMemtableShare = 4;

Status Check(std::uint64_t bytes) {
  if (bytes >= CacheGroup::kLeastMemoryBytes) return Status::Ok();
  return {StatusCode::kInvalidArgument, "max_memory_bytes " + std::to_string(bytes) +
                                            " of a group is under " +
                                            std::to_string(CacheGroup::kLeastMemoryBytes)};
}

}  // namespace

CacheGroup::CacheGroup(std::uint64_t max_memory_bytes)
    : memory_(std::make_shared<StoreMemory>(max_memory_bytes, max_memory_bytes)),
      writers_(std::make_unique<GroupWriters>()) {}

CacheGroup::~CacheGroup() = default;

Result<std::shared_ptr<CacheGroup>> CacheGroup::Make(std::uint64_t max_memory_bytes) {
  if (Status status = Check(max_memory_bytes); !status.ok()) return status;
  return std::shared_ptr<CacheGroup>(new CacheGroup(max_memory_bytes));
}

Status CacheGroup::SetMaxMemoryBytes(std::uint64_t bytes) {
  if (Status status = Check(bytes); !status.ok()) return status;
  memory_->Set(bytes, bytes);
  return Status::Ok();
}

std::uint64_t CacheGroup::max_memory_bytes() const { return memory_->max_bytes(); }
std::uint64_t CacheGroup::memory_bytes() const { return memory_->used_bytes(); }

bool CacheGroup::WantsMemtableOf(const void* cache, std::uint64_t writes) {
  const bool others_write_more =
      writers_->OthersWriteMore(cache, writes, Clock::System().SinceBoot());
  return others_write_more && memory_->memtables()->mutable_memtable_memory_usage() >
                                  memory_->max_bytes() / kMemtableShare;
}

void CacheGroup::Leave(const void* cache) { writers_->Leave(cache); }

}  // namespace larder
