// Reaper: the compaction filter. Expiry, invalidation, spent tombstones and what is worth least are
// dropped here and nowhere else, whenever RocksDB flushes or merges files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "eviction_policy.h"
#include "larder/clock.h"
#include "ledger.h"
#include "running_merges.h"

namespace rocksdb {
class CompactionFilterFactory;
}  // namespace rocksdb

namespace larder {

struct RecordView;

// What the reaper asks. The functions are called from RocksDB's threads, until the store is
// closed. The ledger is opened after the store, so it may be absent at first: nothing is dropped
// for invalidation then.
struct ReaperView {
  std::function<TimePoint()> now;         // the adopted time
  std::function<const Ledger*()> ledger;  // may return null
  // All open leases that may write have at least this number.
  std::function<std::uint64_t(bool evicting)> oldest_outstanding_lease;
  std::atomic<std::uint64_t>* expired = nullptr;  // counts what was dropped
  // A merge that RunningMerges knows evicts, by this policy, and tells of each entry.
  std::shared_ptr<RunningMerges> merges = std::make_shared<RunningMerges>();
  EvictionPolicy* policy = nullptr;
  std::function<void(std::string_view key, const RecordView& record, const EntryFacts& facts)>
      evicted = {};
};

// A row is dropped if it is past its hard expiry, does not hold, is a tombstone, or is worth least
// where something must go; but while a lease is open that is older than the row, a tombstone with
// its number stays, for that lease's commit to find. A dropped row becomes a deletion unless
// nothing older can lie below.
std::shared_ptr<rocksdb::CompactionFilterFactory> MakeReaper(ReaperView view);

}  // namespace larder
