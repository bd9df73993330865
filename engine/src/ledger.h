// Ledger: the one clock for order, and what has been invalidated (design: docs/internals.md).
//
// A 64-bit number ticks at every lease and every invalidation. The ledger maps a tag's hash to
// the number of its latest invalidation, a few key prefixes to theirs, plus one floor that covers
// everything. An entry with number n holds exactly if n > floor, n > ledger[t] for each of its tags
// and n > ledger[p] for each prefix p of its key.
//
// A soft invalidation ends freshness only. It goes by the same rules in a set of its own, so that
// the two never weaken each other.
//
// In memory: rule_set.h. On disk: journal.h. This file puts the two together: an invalidation
// takes a number and is applied in memory, at one instant for all readers; then it is written and
// synced, in one batch with those that came meanwhile; then it is acknowledged.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "larder/options.h"
#include "larder/result.h"
#include "store_mark.h"

namespace larder {

class JournalFiles;

using TagHash = std::uint64_t;
// XXH3-64. A collision invalidates too much, never too little.
TagHash HashTag(std::string_view tag);

// A part of what an invalidation covers.
struct Rule {
  enum class Kind : std::uint8_t { kTag, kPrefix, kAll };
  Kind kind = Kind::kAll;
  bool soft = false;
  TagHash tag = 0;
  std::string prefix = {};  // 1 to kMaxKeyBytes
};

// What covers an entry.
struct Cover {
  Rule::Kind kind = Rule::Kind::kAll;
  std::string name = {};     // the tag, or the prefix
  std::uint64_t number = 0;  // of the invalidation
  TimePoint time{};          // of a soft one
};

// How something without a number of this store stands with what was invalidated here.
struct Standing {
  bool holds = true;
  // When a soft invalidation ended its freshness; kNever if none did, the epoch if it is not known.
  TimePoint fresh_until = kNever;
};

// When an invalidation is made. The epoch: not known.
struct InvalidationTime {
  TimePoint soft{};  // where the freshness ends of what is covered softly
  TimePoint
      hard{};  // no earlier than it is by any clock that is right: what may come from elsewhere
};

struct LedgerOptions {
  // The journal's file, `<directory>/invalidations`. The caller holds the directory's lock.
  std::string path;
  // When more tags are known, the oldest eighth is dropped and the floor rises over it. An eighth
  // as many are known that were invalidated softly, with a floor of their own.
  std::size_t max_tags = 1'000'000;
  // Whether there is anything that a lost journal could have covered.
  bool store_has_rows = false;
  // A NumberBound() that was saved outside of the journal since the ledger was last opened; 0 if
  // there is none. Where the floor goes if the journal is lost.
  std::uint64_t saved_number_bound = 0;
  // Asked before a new journal takes the place of the old one; an error fails that. Null: it may.
  std::function<Status()> may_replace;
  // One line whenever the floor rises by itself or the journal begins or ceases to fail.
  std::function<void(LogLevel, std::string_view)> log;

  // What tests set. Null = the real ones.
  JournalFiles* files = nullptr;
  // So many numbers are reserved at a time.
  std::uint64_t number_block = std::uint64_t{1} << 36;
  // At least so many records fit into a new journal besides what is live.
  std::uint64_t journal_room = 32'768;
};

// Thread-safe. Next, Last, Holds and Generation never block on the disk.
class Ledger {
 public:
  // Reserves numbers and syncs that, before it returns if the disk takes writes; else none is
  // reserved until RetryUnwritten() has. Damage to the journal, or its absence where
  // there are rows or a saved number bound, raises the floor over all numbers given out so far and
  // is logged.
  // Errors: kUnavailable (the journal cannot be read); kDataLoss: the journal is lost beside a
  // store with rows and nothing says which numbers those have. Then the store must go before the
  // ledger is opened with `store_has_rows` false.
  static Result<std::unique_ptr<Ledger>> Open(const LedgerOptions& options);
  virtual ~Ledger() = default;

  // A number greater than all given out before, and than any that something stored has. For leases
  // and puts.
  virtual std::uint64_t Next() = 0;
  // Whether it will never be given out again. Else the numbers reserved have run out (the journal
  // could not be written since opening, or since half a block has gone): it says what came first
  // among all that is in memory, but a restart may give it out to something else, so what has it
  // must not be stored while this is so.
  bool IsReserved(std::uint64_t number) const { return number < NumberBound(); }
  // The greatest number given out so far.
  virtual std::uint64_t Last() const = 0;
  // Those below are reserved. Never goes back.
  virtual std::uint64_t NumberBound() const = 0;
  // Whether something with this key, number and these tags is not invalidated (not softly).
  virtual bool Holds(std::string_view key, std::uint64_t number,
                     std::span<const TagHash> tags) const = 0;
  // When a soft invalidation ended its freshness, the latest one if there were several; kNever if
  // none did; the epoch if it is not known any more.
  virtual TimePoint FreshUntil(std::string_view key, std::uint64_t number,
                               std::span<const TagHash> tags) const = 0;
  // Of something whose computation began at `began`, on the cache's clock: everything is against
  // it that was invalidated then or later, or nobody knows when.
  virtual Standing StandingOf(std::string_view key, TimePoint began,
                              std::span<const TagHash> tags) const = 0;
  // What Holds, or for `soft` FreshUntil, goes by; null if nothing covers it.
  virtual std::optional<Cover> CoverOf(std::string_view key, std::uint64_t number,
                                       std::span<const std::string> tags, bool soft) const = 0;
  // Changes with every invalidation, at its instant; never 0. If Generation() was read before a
  // call of Holds that said yes, the same call says yes for as long as Generation() is the same.
  virtual std::uint64_t Generation() const = 0;

  // Takes a number, applies all `rules` in memory at one instant, writes them to the journal and
  // syncs (concurrent calls share one sync). `now` is asked when it has its number, under a lock;
  // null: not known.
  // Errors: kInvalidArgument (no rules); kUnavailable or, where the volume is full,
  // kResourceExhausted: holds in memory, and RetryUnwritten() will write it.
  virtual Result<std::uint64_t> Invalidate(std::span<const Rule> rules,
                                           const std::function<InvalidationTime()>& now) = 0;
  // Notes that all writes up to the mark have been synced. Errors as above.
  virtual Status NoteSynced(const StoreMark& mark) = 0;
  // To be called while the store is opened, with what was read of it, and when it was, before
  // anything is written to it. If it lacks what was noted, synced removals are lost: the floor
  // rises over everything, open leases included. An empty one (sequence number 0) has nothing that
  // could come back, but the caller must not let open leases write to it.
  // An error: that is not on disk yet, so the store must stay out of use and this be retried.
  virtual Status StoreRecovered(const RecoveredStore& store) = 0;
  // Writes what an earlier failure left unwritten, and reserves numbers when they run low; ok if
  // there is nothing to do. To be called about once a second.
  virtual Status RetryUnwritten() = 0;

  // Changes LedgerOptions::max_tags. With fewer, the oldest that are too many are dropped at once,
  // and the floor rises over them. Readers wait for no more than that.
  virtual void SetMaxTags(std::size_t max_tags) = 0;

  // Writes a journal to `path` with all that was acknowledged before this call, for a backup.
  virtual Status CopyTo(const std::string& path) const = 0;

  // Everything up to this number is invalidated.
  virtual std::uint64_t floor() const = 0;
  // Tags dropped because there were too many.
  virtual std::uint64_t dropped_tags() const = 0;
  virtual std::size_t tag_count() const = 0;
  // What its journal takes on disk when it is rewritten, at most; until that is done there are two.
  virtual std::uint64_t journal_bytes() const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

}  // namespace larder
