#include "request_memory.h"

namespace larder::gateway {

bool RequestMemory::Share::GrowTo(std::uint64_t bytes) {
  if (bytes <= bytes_) return true;
  const std::uint64_t more = bytes - bytes_;
  if (memory_->taken_.fetch_add(more) + more > memory_->most_) {
    memory_->taken_ -= more;
    return false;
  }
  bytes_ = bytes;
  return true;
}

}  // namespace larder::gateway
