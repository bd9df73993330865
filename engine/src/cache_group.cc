#include "larder/cache_group.h"

#include <string>

#include "store_memory.h"

namespace larder {
namespace {

// Of which memtables may take half.
constexpr std::uint64_t MemtableBytes(std::uint64_t bytes) { return bytes / 2; }

Status Check(std::uint64_t bytes) {
  if (bytes >= CacheGroup::kLeastMemoryBytes) return Status::Ok();
  return {StatusCode::kInvalidArgument, "max_memory_bytes " + std::to_string(bytes) +
                                            " of a group is under " +
                                            std::to_string(CacheGroup::kLeastMemoryBytes)};
}

}  // namespace

CacheGroup::CacheGroup(std::uint64_t max_memory_bytes)
    : memory_(std::make_shared<StoreMemory>(max_memory_bytes, MemtableBytes(max_memory_bytes))) {}

Result<std::shared_ptr<CacheGroup>> CacheGroup::Make(std::uint64_t max_memory_bytes) {
  if (Status status = Check(max_memory_bytes); !status.ok()) return status;
  return std::shared_ptr<CacheGroup>(new CacheGroup(max_memory_bytes));
}

Status CacheGroup::SetMaxMemoryBytes(std::uint64_t bytes) {
  if (Status status = Check(bytes); !status.ok()) return status;
  memory_->Set(bytes, MemtableBytes(bytes));
  return Status::Ok();
}

std::uint64_t CacheGroup::max_memory_bytes() const { return memory_->max_bytes(); }
std::uint64_t CacheGroup::memory_bytes() const { return memory_->used_bytes(); }

}  // namespace larder
