// LedgerModel: the rules by which the engine never serves what was invalidated or removed, in the
// smallest world that has them all: one key, one row, a few processes. Every interleaving of
// their steps, with crashes at any point, is tried, and every read is checked.
//
// It is a model of the rules, not of the code: docs/internals.md has the rules, and each one
// can be switched off here to see that something then goes wrong.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace larder::testing {

// What a process does, step by step (ledger_model.cc). All entries have the tag T.
enum class Role {
  kWriter,           // takes a lease, naming T; ends its flight; writes; finishes
  kLateWriter,       // the same, but names T only at the end
  kPut,              // writes without a lease
  kRemove,           // calls; writes a tombstone; syncs it; notes the sequence; acknowledges
  kInvalidateTag,    // calls; takes a number and applies; writes the journal; acknowledges
  kInvalidateOther,  // the same with a tag U, which covers nothing here but takes T's room
  kInvalidateAll,
  kReader,    // hot tier, then store (filling the hot tier), then a flight
  kReaper,    // looks up the oldest lease; then flushes, dropping what it may
  kRotation,  // copies tags, then the floor, from memory; then replaces the journal
};

enum class Crash {
  kKill,    // memory goes
  kPower,   // and any part of the store's unsynced tail
  kDamage,  // and any part of its synced tail
  kReopen,  // the store is opened anew under the running process, and may have lost of both
};

// One rule broken.
enum class Mutation {
  kNothing,
  kNumberOfCommit,          // an entry gets its number when it is written, not when it was begun
  kUncheckedPut,            // a write does not look at the number that is there
  kUncheckedTombstoneDrop,  // the reaper drops tombstones that older leases need
  kUncheckedValueDrop,      // the reaper drops values that older leases need, leaving nothing
  kUncheckedFill,           // a reader fills the hot tier whatever was written since it read
  kNoHotErase,              // a removal leaves the hot tier alone
  kUncheckedHotHit,         // a hot hit is not looked up in the ledger
  kEarlyGeneration,         // the generation changes before the tag does
  kNoFloorOnOverflow,       // tags are dropped and the floor stays
  kFloorAfterDrop,          // tags are dropped, then the floor rises
  kConcurrentApply,         // two invalidations change the table at a time
  kFloorReadFirst,          // a reader looks at the floor, then at the tags
  kSnapshotFloorFirst,      // a new journal gets the floor first, then the tags
  kAckBeforeJournal,        // an invalidation is acknowledged once it is in memory
  kUnsyncedRemoval,         // a removal is acknowledged without a sync, so without a note
  kNoSequenceNote,          // the store's synced sequence is not noted
  kUncheckedReopen,         // a store opened anew is not compared with the noted sequence
  kNumbersReused,           // after a crash numbers go on from the journal's last
  kUncheckedJoin,           // a flight is joined without a look at the ledger
  kNoDetach,                // a removal leaves the running flight to be joined
  kLateTagsUnchecked,       // tags named at the end are not checked for those who wait
};

struct Scenario {
  std::string name;
  std::vector<Role> processes;  // at most kMaxProcesses
  std::vector<Crash> crashes;   // at most one of these happens, at any point
};
inline constexpr std::size_t kMaxProcesses = 5;

struct Verdict {
  std::size_t states = 0;
  // The shortest way to a read of what was invalidated, one step a line; empty if there is none.
  std::string violation;
};

Verdict Explore(const Scenario& scenario, Mutation mutation);

}  // namespace larder::testing
