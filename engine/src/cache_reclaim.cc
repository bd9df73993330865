// Giving space back: tables in which enough is expired, invalidated or removed are rewritten.
// RocksDB does not do that of itself: what is not written to is not merged.
//
// How much of a table is dead is judged by the rows of it that its notes hold (file_notes.h), by
// the same rules as the reaper's, so whatever ended them counts.
#include <algorithm>
#include <string>

#include "cache_core.h"

namespace larder {
namespace {

constexpr Duration kLookPeriod = std::chrono::seconds(10);
// Without a store for so long, the machine has time for what wins less.
constexpr Duration kIdle = std::chrono::seconds(30);
constexpr double kWorthIt = 0.5;
constexpr double kWorthItIdle = 0.125;

}  // namespace

// Of a table's bytes, an estimate.
double CacheCore::DeadShare(const StoreFile& file) const {
  const std::vector<SampledRow> rows = ReadSample(file.notes.sample);
  if (rows.empty()) return 0;
  const TimePoint now = clock_->Adopted();
  const std::uint64_t oldest_lease = std::max(flights_->OldestLease(), oldest_writer_.load());
  const auto dead = std::count_if(rows.begin(), rows.end(), [&](const SampledRow& row) {
    if (row.tombstone) return row.number < oldest_lease;
    return row.expires <= now || !ledger_->Holds(row.key, row.number, row.tags);
  });
  return static_cast<double>(dead) / static_cast<double>(rows.size());
}

// Whether nothing was stored lately.
bool CacheCore::IsIdle(Duration now) {
  const std::uint64_t stores = counters_.Sum(Counter::kStores);
  if (stores != stores_seen_) {
    stores_seen_ = stores;
    stored_at_ = now;
  }
  return now - stored_at_ >= kIdle;
}

void CacheCore::Reclaim() {
  const Duration now = system_clock_.SinceBoot();
  if (now - looked_at_ < kLookPeriod) return;
  looked_at_ = now;
  const bool idle = IsIdle(now);
  static_cast<void>(supervisor_->RunLong([&](Store& store) {
    // What is in memtables and logs is looked at when it is in a table.
    if (idle && stores_flushed_ != stores_seen_) {
      stores_flushed_ = stores_seen_;
      if (Status status = store.Flush(); !status.ok()) return status;
    }
    while (!calls_.shut() && ReclaimOnce(store, idle ? kWorthItIdle : kWorthIt)) {
    }
    return Status::Ok();
  }));
}

// The table that wins most, if one is worth it. True: there may be another.
bool CacheCore::ReclaimOnce(Store& store, double worth_it) {
  const std::vector<StoreFile> files = store.Files();
  const StoreFile* best = nullptr;
  double best_win = 0;
  double dead_bytes = 0;
  for (const StoreFile& file : files) {
    const double share = DeadShare(file);
    const double win = share * static_cast<double>(file.bytes);
    dead_bytes += win;
    if (file.merging || share < worth_it || win <= best_win) continue;
    best = &file;
    best_win = win;
  }
  reclaimable_bytes_ = static_cast<std::uint64_t>(dead_bytes);
  if (best == nullptr) return false;
  // Files of L0 overlap, and what is in one may be needed against the one below.
  std::vector<StoreFile> piece = {*best};
  int level = best->level;
  if (level == 0) {
    piece.clear();
    level = Store::kLastLevel;
    for (const StoreFile& file : files) {
      if (file.level == 0) piece.push_back(file);
      if (file.level > 0) level = std::min(level, file.level);
    }
  }
  const Status status = RewriteFiles(store, piece, level, std::nullopt);
  if (!status.ok()) return false;
  Log(LogLevel::kInfo,
      "reclaimed in table " + best->name + ": about " +
          std::to_string(static_cast<int>(100 * best_win / static_cast<double>(best->bytes))) +
          " % of its " + std::to_string(best->bytes) +
          " bytes were expired, invalidated or removed");
  return true;
}

}  // namespace larder
