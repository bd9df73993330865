// Reaper: the compaction filter. Expiry, invalidation and spent tombstones are dropped here and
// nowhere else, whenever RocksDB flushes or merges files.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "larder/clock.h"
#include "ledger.h"

namespace rocksdb {
class CompactionFilterFactory;
}  // namespace rocksdb

namespace larder {

// What the reaper asks. The functions are called from RocksDB's threads, until the store is
// closed. The ledger is opened after the store, so it may be absent at first: nothing is dropped
// for invalidation then.
struct ReaperView {
  std::function<TimePoint()> now;                           // the adopted time
  std::function<const Ledger*()> ledger;                    // may return null
  std::function<std::uint64_t()> oldest_outstanding_lease;  // all open leases have at least this
  std::atomic<std::uint64_t>* expired = nullptr;            // counts what was dropped
};

// A row is dropped if it is past its hard expiry, does not hold, or is a tombstone; but while a
// lease is open that is older than the row, a tombstone with its number stays, for that lease's
// commit to find. A dropped row becomes a deletion unless nothing older can lie below.
std::shared_ptr<rocksdb::CompactionFilterFactory> MakeReaper(ReaperView view);

}  // namespace larder
