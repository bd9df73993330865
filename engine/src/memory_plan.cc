#include "memory_plan.h"

namespace larder {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;
// Of the two tables of a ledger, all shares of slots counted (tag_table.h).
constexpr std::uint64_t kTagBytes = 24;

}  // namespace

MemoryPlan::MemoryPlan(std::uint64_t max_memory_bytes, std::uint64_t group_bytes)
    : limit(max_memory_bytes),
      store_bytes(group_bytes != 0 ? 0 : limit / 16 * 7),
      write_buffer_bytes(std::max(2 * kMiB, (group_bytes != 0 ? group_bytes : limit) / 16)),
      queue_bytes(limit / 16),
      in_flight_bytes(std::min(limit / 8, 16 * kMiB)),
      kept_bytes(std::min(limit / 4, 32 * kMiB)),
      policy_bytes(limit / 16),
      ledger_tags(std::min<std::uint64_t>(1'000'000, limit / 32 * 3 / kTagBytes)),
      sample_bytes(std::clamp(limit / 64, kMiB / 2, 4 * kMiB)) {}

}  // namespace larder
