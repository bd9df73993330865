#include "space_plan.h"

#include <algorithm>

namespace larder {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

}  // namespace

SpacePlan::SpacePlan(std::uint64_t max_disk_bytes, std::uint64_t most_write_buffer_bytes)
    : limit(max_disk_bytes) {
  write_buffer_bytes =
      std::min(std::clamp(limit / 64, 2 * kMiB, 8 * kMiB), most_write_buffer_bytes);
  file_bytes = std::clamp(limit / 128, 2 * kMiB, 16 * kMiB);
  base_level_bytes = std::clamp(limit / 16, 4 * write_buffer_bytes, 8 * write_buffer_bytes);
  files_to_merge = 4;
  // More of them take bursts better, and make merges larger.
  files_to_stall = limit < 2048 * kMiB ? 6 : 12;
  most_row_bytes = limit / 32;

  slack = std::clamp(limit / 32, 8 * kMiB, 64 * kMiB);
  log_room = 3 * write_buffer_bytes;
  // All of L0 with all of the next level, or a file with what it overlaps, ten times as much.
  const std::uint64_t from_l0 =
      static_cast<std::uint64_t>(files_to_stall) * write_buffer_bytes + base_level_bytes * 5 / 4;
  merge_room = std::max(from_l0, 13 * file_bytes);
}

std::uint64_t SpacePlan::TablesTarget(std::uint64_t other_bytes) const {
  // Logs count twice: what is in them is written to a table before they go.
  const std::uint64_t aside = slack + 2 * log_room + merge_room + other_bytes;
  return limit > aside ? limit - aside : 1;
}

}  // namespace larder
