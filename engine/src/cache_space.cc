// Making room: what merges may write and must drop, and the sweeper, which goes on where they do
// not drop enough.
#include <algorithm>
#include <exception>
#include <string>

#include "cache_core.h"
#include "directory_size.h"
#include "slice_choice.h"

namespace larder {
namespace {

constexpr std::chrono::milliseconds kSweeperPeriod{100};
constexpr Duration kPinnedPeriod = std::chrono::seconds(5);

std::string MiB(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

// Of a table that is made small on purpose.
constexpr std::uint64_t kLeastFileBytes = std::uint64_t{16} << 10;
// A small second journal has its room in the slack.
constexpr std::uint64_t kSmallJournal = std::uint64_t{2} << 20;

}  // namespace

// On the thread that is about to merge, one of RocksDB's.
std::shared_ptr<RunningMerge> CacheCore::BeginMerge(const MergeInfo& info) {
  auto merge = std::make_shared<RunningMerge>();
  merge->grant = budget_.GrantMerge(info.input_bytes, /*urgent=*/true, info.drop_bytes);
  merge->drops_leave_deletions = !info.into_last_level;
  double drop = info.into_last_level ? budget_.Drop() : -1;
  if (merge->grant->constrained()) drop = std::max(drop, merge->grant->DropToFit());
  if (drop >= 0) {
    merge->slice = {.clock = AccessClock(), .last_swept = info.swept, .drop = drop};
  }
  merge->swept = merge->slice ? merge->slice->clock : info.into_last_level ? info.swept : 0;
  return merge;
}

void CacheCore::EndMerge(const MergeResult& result, const std::shared_ptr<RunningMerge>& merge) {
  counters_.Add(Counter::kMergeReadBytes, result.read);
  counters_.Add(Counter::kMergeWrittenBytes, result.written);
  Observer::Compacted told{.bytes_read = result.read, .bytes_written = result.written};
  if (merge != nullptr) {
    counters_.Add(Counter::kEvictedBytes, merge->evicted_bytes);
    counters_.Add(Counter::kReclaimedBytes, merge->expired_bytes);
    told.evicted_bytes = merge->evicted_bytes;
    told.reclaimed_bytes = merge->expired_bytes;
  }
  Tell([&](Observer& o) { o.OnCompacted(told); });
}

// While a lease is open, what is evicted and newer leaves a tombstone that is not evicted itself.
// So that these cannot fill the disk, one that so many have overtaken may write no more; its
// caller and followers get their answer all the same.
std::uint64_t CacheCore::OldestLeaseThatWrites(bool evicting) {
  const std::uint64_t oldest = flights_->OldestLease();
  const std::uint64_t most_behind = budget_.plan().limit >> 14;
  const std::uint64_t last = ledger_->Last();
  if (evicting && last > most_behind && oldest < last - most_behind) {
    std::uint64_t seen = oldest_writer_.load();
    while (seen < last - most_behind &&
           !oldest_writer_.compare_exchange_weak(seen, last - most_behind)) {
    }
  }
  return std::max(oldest, oldest_writer_.load());
}

void CacheCore::NoteEvicted(std::string_view key, const RecordView& record,
                            const EntryFacts& facts) {
  counters_.Add(Counter::kEvicted);
  recent_evictions_.Note(facts.hash);
  Tell([&](Observer& o) {
    o.OnEvicted({.key = key, .stored_bytes = facts.bytes, .cost_microusd = record.cost_microusd});
  });
}

void CacheCore::MeasureSpace() {
  std::uint64_t other = DirectorySize(options_.directory, "store");
  // While it is saved there are two.
  other += policy_->MemoryBytes();
  if (const std::uint64_t next = ledger_->journal_bytes(); next > kSmallJournal) other += next;
  budget_.SetOther(other);
}

void CacheCore::RunSweeper() {
  std::unique_lock lock(threads_mutex_);
  while (!threads_wake_.wait_for(lock, kSweeperPeriod, [this] { return threads_stop_; })) {
    lock.unlock();
    try {
      MakeRoom();
    } catch (const std::exception& error) {  // out of memory; later there may be some
      Log(LogLevel::kError, std::string("sweeper: ") + error.what());
    }
    lock.lock();
  }
}

// The indexes and filters of tables stay in memory as long as that leaves room for the rest of the
// store there. Keys may be long, budgets change, and other caches join a group: then the store is
// opened anew, and they are looked up in the block cache like all else.
void CacheCore::BoundPinned() {
  const Duration now = system_clock_.SinceBoot();
  if (pinned_too_much_ || now - pinned_looked_at_ < kPinnedPeriod) return;
  pinned_looked_at_ = now;
  const std::uint64_t most = store_part_->bytes() / 4 * 3;
  std::uint64_t pinned = 0;
  static_cast<void>(supervisor_->RunLong([&](Store& store) {
    pinned = store.PinnedBytes();
    return pinned > most ? store.Flush() : Status::Ok();  // so that there is no log to replay
  }));
  if (pinned <= most) return;
  pinned_too_much_ = true;
  supervisor_->Renew("indexes and filters of " + MiB(pinned) + " leave too little of its memory");
}

void CacheCore::MakeRoom() {
  if (copies_.any()) {
    HoldForCopies();
    return;
  }
  BoundPinned();
  while (!calls_.shut() && SweepOnce()) {
  }
  Reclaim();
}

// While tables are copied.
void CacheCore::HoldForCopies() {
  static_cast<void>(supervisor_->RunLong([&](Store& store) {
    LookAtStore(store);
    Status status = copies_.HoldMergesIfTight(store, budget_);
    if (!status.ok()) Log(LogLevel::kWarning, "hold merges for a backup: " + status.ToString());
    return status;
  }));
}

void CacheCore::LookAtStore(const Store& store) {
  budget_.SetTables(store.TableBytes());
  budget_.SetStalled(store.IsStalled());
}

// True: there may be more to do at once.
bool CacheCore::SweepOnce() {
  bool swept = false;
  static_cast<void>(supervisor_->RunLong([&](Store& store) {
    LookAtStore(store);
    if (!budget_.MustSweep() || copies_.any()) return Status::Ok();
    const SpacePlan plan = budget_.plan();
    const std::uint64_t clock = AccessClock();
    const std::vector<StoreFile> slice =
        ChooseSlice(store.Files(), {.least_bytes = plan.file_bytes,
                                    .most_bytes = std::max(plan.file_bytes, plan.merge_room / 4),
                                    .clock = clock});
    if (slice.empty()) return Status::Ok();
    const EvictionPolicy::Slice judged{
        .clock = clock, .last_swept = LastSwept(slice, clock), .drop = budget_.Drop()};
    const Status status = RewriteFiles(store, slice, Store::kLastLevel, judged);
    swept = status.ok();
    return status;
  }));
  return swept;
}

// Without evicting anything. What is in level 0 may lie over the whole last level, for which there
// may be no room at once: then it goes into the level above that, in tables of which each lies over
// a piece.
Status CacheCore::RewriteDown(Store& store, const std::vector<StoreFile>& chosen, int level) {
  const Status status = RewriteFiles(store, chosen, level, std::nullopt);
  const bool in_pieces = status.code() == StatusCode::kResourceExhausted && chosen[0].level == 0 &&
                         level == Store::kLastLevel;
  if (!in_pieces) return status;
  std::uint64_t chosen_bytes = 0;
  std::uint64_t bytes = 0;
  for (const StoreFile& file : chosen) chosen_bytes += file.bytes;
  for (const StoreFile& file : WithOverlapping(chosen, level, store.Files())) bytes += file.bytes;
  const std::uint64_t pieces =
      1 + bytes / std::max<std::uint64_t>(1, budget_.plan().merge_room / 4);
  return RewriteFiles(store, chosen, level - 1, std::nullopt,
                      std::max(kLeastFileBytes, chosen_bytes / pieces));
}

// With a slice: evicts. Without: only if there is room for all that is alive.
Status CacheCore::RewriteFiles(Store& store, const std::vector<StoreFile>& chosen, int level,
                               std::optional<EvictionPolicy::Slice> slice,
                               std::uint64_t file_bytes) {
  const std::vector<StoreFile> files = WithOverlapping(chosen, level, store.Files());
  std::uint64_t bytes = 0;
  std::vector<std::string> names;
  for (const StoreFile& file : files) {
    bytes += file.bytes;
    names.push_back(file.name);
  }
  auto merge = std::make_shared<RunningMerge>();
  merge->by_us = true;
  merge->file_bytes = file_bytes;
  merge->grant = budget_.GrantMerge(bytes, /*urgent=*/false);
  if (merge->grant->constrained()) {
    if (!slice.has_value()) {
      return {StatusCode::kResourceExhausted, "no room to rewrite " + MiB(bytes)};
    }
    // More than pressure asks for is not dropped for want of room that comes back in a moment.
    if (merge->grant->more_later() && merge->grant->DropToFit() > SpaceBudget::kMostDrop) {
      return {StatusCode::kResourceExhausted, "merges that run have the room"};
    }
    slice->drop = std::max(slice->drop, merge->grant->DropToFit());
  }
  merge->slice = slice;
  merge->swept = slice ? slice->clock : LastSwept(files, AccessClock());
  const Status status = store.Rewrite(names, level, merge);
  if (status.ok()) {
    Log(LogLevel::kDebug,
        "rewrote " + std::to_string(files.size()) + " tables of " + MiB(bytes) + " in level " +
            std::to_string(files[0].level) + (slice ? " to evict" : " to reclaim") + ": evicted " +
            std::to_string(merge->evicted) + " entries, " + MiB(merge->evicted_bytes) +
            ", reclaimed " + MiB(merge->expired_bytes));
  }
  return status;
}

}  // namespace larder
