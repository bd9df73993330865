// Giving space back: tables in which enough is expired, invalidated or removed are rewritten.
// RocksDB does not do that of itself: what is not written to is not merged.
//
// How much of a table is dead is judged by the rows of it that its notes hold (file_notes.h), by
// the same rules as the reaper's, so whatever ended them counts.
#include <algorithm>
#include <string>
#include <vector>

#include "cache_core.h"
#include "reclaim_choice.h"

namespace larder {
namespace {

constexpr Duration kLookPeriod = std::chrono::seconds(10);
// With next to nothing stored for so long, the machine has time for what wins less.
constexpr Duration kIdle = std::chrono::seconds(30);
constexpr Duration kLongIdle = std::chrono::seconds(60);
constexpr double kWorthIt = 0.5;
constexpr double kWorthItIdle = 0.125;
// One row of those in a table's notes.
constexpr double kWorthItLongIdle = 1.0 / FileNotes::kSampledRows;
// Where a little dies all the time, the same rows are not written again for every little.
constexpr Duration kSpared = std::chrono::hours(6);
// Besides its value.
constexpr std::uint64_t kRowBytes = 64;
// That cannot be rewritten just now, before it is left at that.
constexpr std::size_t kMostTries = 8;

}  // namespace

// An estimate.
TableDeath CacheCore::DeathOf(const StoreFile& file) const {
  TableDeath death{.table = &file, .worth_it = WorthReclaiming(file)};
  const std::vector<SampledRow> rows = ReadSample(file.notes.sample);
  if (rows.empty()) return death;
  const TimePoint now = clock_->Adopted();
  const std::uint64_t oldest_lease = std::max(flights_->OldestLease(), oldest_writer_.load());
  const auto dead = std::count_if(rows.begin(), rows.end(), [&](const SampledRow& row) {
    if (row.deletion) return true;
    if (row.tombstone) return row.number < oldest_lease;
    return row.expires <= now || !ledger_->Holds(row.key, row.number, row.tags);
  });
  death.dead_share = static_cast<double>(dead) / static_cast<double>(rows.size());
  death.has_deletions =
      std::any_of(rows.begin(), rows.end(), [](const SampledRow& row) { return row.deletion; });
  return death;
}

void CacheCore::Reclaim() {
  const Duration now = system_clock_.SinceBoot();
  if (now - looked_at_ < kLookPeriod) return;
  looked_at_ = now;
  static_cast<void>(supervisor_->RunLong([&](Store& store) {
    // A removal stores nothing, and leaves a row all the same.
    const auto stored = [&] {
      return counters_.Sum(Counter::kStoredBytes) + kRowBytes * store.LatestSequence();
    };
    lull_.Look(now, stored());
    const bool idle = lull_.length() >= kIdle;
    // What is in memtables and logs is looked at when it is in a table.
    if (idle && lull_.ShouldFlush()) {
      lull_.Flushed();
      if (Status status = store.Flush(); !status.ok()) return status;
    }
    while (!calls_.shut() && !copies_.any() && ReclaimOnce(store)) {
      // It may take long: making room for what is stored meanwhile goes before it.
      if (idle && (budget_.MustSweep() || lull_.EndsWith(stored()))) break;
    }
    return Status::Ok();
  }));
}

// From which share of dead bytes on a table is rewritten.
double CacheCore::WorthReclaiming(const StoreFile& file) const {
  if (lull_.length() < kIdle) return kWorthIt;
  if (lull_.length() < kLongIdle || spared_until_.contains(file.number)) return kWorthItIdle;
  return kWorthItLongIdle;
}

// The table that wins most, if one is worth it; or the next best that can be rewritten now. True:
// there may be another.
bool CacheCore::ReclaimOnce(Store& store) {
  const std::vector<StoreFile> files = store.Files();
  std::erase_if(spared_until_, [this](const auto& spared) { return spared.second <= looked_at_; });
  std::vector<TableDeath> tables;
  double dead_bytes = 0;
  for (const StoreFile& file : files) {
    tables.push_back(DeathOf(file));
    dead_bytes += tables.back().dead_share * static_cast<double>(file.bytes);
  }
  reclaimable_bytes_ = static_cast<std::uint64_t>(dead_bytes);
  const std::vector<ReclaimPiece> pieces = ChooseReclaims(files, tables);
  for (std::size_t i = 0; i < std::min(pieces.size(), kMostTries); ++i) {
    const Status status = RewriteDown(store, pieces[i].files, pieces[i].into_level);
    if (status.ok()) {
      NoteReclaimed(store, files, *pieces[i].table, pieces[i].dead_share);
      return true;
    }
    // Merged just now, or without room, as others may not be.
    const bool in_the_way =
        status.code() == StatusCode::kNotFound || status.code() == StatusCode::kResourceExhausted;
    if (!in_the_way) return false;
  }
  return false;
}

void CacheCore::NoteReclaimed(Store& store, const std::vector<StoreFile>& before,
                              const StoreFile& file, double share) {
  Log(LogLevel::kInfo, "reclaimed in table " + file.name + ": about " +
                           std::to_string(static_cast<int>(100 * share)) + " % of its " +
                           std::to_string(file.bytes) +
                           " bytes were expired, invalidated or removed");
  if (share >= kWorthItIdle) return;
  std::uint64_t newest = 0;
  for (const StoreFile& other : before) newest = std::max(newest, other.number);
  for (const StoreFile& written : store.Files()) {
    if (written.number > newest) spared_until_[written.number] = looked_at_ + kSpared;
  }
}

}  // namespace larder
