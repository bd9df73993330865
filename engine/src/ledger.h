// Ledger: the one clock for order, and what has been invalidated (design: docs/architecture.md).
//
// A 64-bit number ticks at every lease and every invalidation. The ledger maps a tag's hash to
// the number of its latest invalidation, plus one floor that covers everything. An entry with
// number n holds exactly if n > floor and n > ledger[t] for each of its tags.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder {

using TagHash = std::uint64_t;
// XXH3-64. A collision invalidates too much, never too little.
TagHash HashTag(std::string_view tag);

struct LedgerOptions {
  // The journal's file, `<directory>/invalidations`.
  std::string path;
  // When more tags are known, the oldest eighth is dropped and the floor rises over it.
  std::size_t max_tags = 1'000'000;
  // A missing journal beside a store that has rows raises the floor over all of them.
  bool store_has_rows = false;
  // The store's sequence number as recovered; less than the journal noted raises the floor.
  std::uint64_t store_sequence = 0;
};

// Thread-safe. Next, Last, Holds never block on the disk.
class Ledger {
 public:
  static Result<std::unique_ptr<Ledger>> Open(const LedgerOptions& options);
  virtual ~Ledger() = default;

  // A number greater than all given out before, also before any restart. For leases and puts.
  virtual std::uint64_t Next() = 0;
  // The greatest number given out so far.
  virtual std::uint64_t Last() const = 0;
  // Whether something with this number and these tags is not invalidated.
  virtual bool Holds(std::uint64_t number, std::span<const TagHash> tags) const = 0;
  // The number of the latest invalidation of anything: what held before and is newer than all
  // invalidations since needs no second look. Read it before calling Holds.
  virtual std::uint64_t LatestInvalidation() const = 0;

  // Takes a number, applies it in memory, writes it to the journal and syncs (concurrent calls
  // share one sync). kUnavailable: holds in memory; RetryUnwritten() will write it.
  virtual Result<std::uint64_t> InvalidateTags(std::span<const TagHash> tags) = 0;
  virtual Result<std::uint64_t> InvalidateAll() = 0;
  // Notes that the store's sequence number `sequence` has been synced.
  virtual Status NoteSyncedSequence(std::uint64_t sequence) = 0;
  // Writes what an earlier failure left unwritten; ok if nothing is. Called by the steward.
  virtual Status RetryUnwritten() = 0;

  virtual std::size_t tag_count() const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace larder
