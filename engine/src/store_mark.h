// StoreMark: by what the next opening sees that the store has all that was synced.
//
// RocksDB takes a log or a manifest with a damaged tail for one that a crash cut short, and drops
// the rest without a word, removals too. Its sequence number does not always tell: later logs have
// later ones. So we note where the writes were that had been synced, and compare with what was read
// of the logs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace larder {

// Logs have numbers that grow.
struct StoreMark {
  static constexpr std::size_t kMostLogs = 16;  // more than RocksDB has write buffers

  std::uint64_t sequence = 0;  // of the latest write that is known to be synced
  // The greatest that had writes and was deleted since the store was opened. All its writes were in
  // tables then.
  std::uint64_t gone = 0;
  // Those that had writes, the oldest first, then zeros.
  std::array<std::uint64_t, kMostLogs> logs = {};

  friend bool operator==(const StoreMark&, const StoreMark&) = default;
};

// What a store was found to have when it was opened.
struct RecoveredStore {
  // Consecutive writes that were read from a log.
  struct Run {
    std::uint64_t log = 0;
    std::uint64_t first = 0;  // sequence numbers
    std::uint64_t last = 0;
  };
  // Of the latest write; 0: there is none. Null: not known, as it is still being opened.
  std::optional<std::uint64_t> sequence = {};
  // What is not in tables is in logs from this one on; null: not known, as there is no log.
  std::optional<std::uint64_t> first_log = {};
  std::vector<Run> runs = {};
};

// Empty if all that was synced when the mark was made is there, else what shows that it is not.
std::string FindLostWrites(const StoreMark& mark, const RecoveredStore& store);

}  // namespace larder
