// SpacePlan: how a disk budget is divided: sizes of RocksDB's buffers, files and levels such that
// what is in the making always has room beside what is kept.
#pragma once

#include <cstdint>

namespace larder {

struct SpacePlan {
  // No write buffer is larger than `most_write_buffer_bytes`.
  explicit SpacePlan(std::uint64_t max_disk_bytes,
                     std::uint64_t most_write_buffer_bytes = UINT64_MAX);

  // What tables may take. Above it the cache evicts.
  std::uint64_t TablesTarget(std::uint64_t other_bytes) const;

  // Memtables, full ones that wait to be written out included.
  std::uint64_t memtable_bytes() const { return 4 * write_buffer_bytes; }

  std::uint64_t limit;
  // A memtable, and one segment of the WAL. Reopening after a kill costs about 17 ms a MB of WAL.
  std::uint64_t write_buffer_bytes;
  std::uint64_t file_bytes;        // of a table
  std::uint64_t base_level_bytes;  // of the first level under L0
  int files_to_merge;              // so many in L0 start a merge
  int files_to_stall;              // with so many, values wait
  // Largest row: a larger one would need more room than is kept free.
  std::uint64_t most_row_bytes;

  // Set aside of the limit:
  std::uint64_t slack;       // small files being replaced, manifests, directories, the last blocks
  std::uint64_t log_room;    // WAL
  std::uint64_t merge_room;  // what the largest ordinary merge writes before its inputs go
};

}  // namespace larder
