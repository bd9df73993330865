// Store: the rows on disk. Opens RocksDB with our options and folds its errors into ours.
#pragma once

#include <rocksdb/slice.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "file_notes.h"
#include "larder/options.h"
#include "larder/result.h"
#include "running_merges.h"
#include "space_budget.h"
#include "store_backup.h"
#include "store_mark.h"
#include "store_memory.h"

namespace rocksdb {
class CompactionFilterFactory;
class Env;
}  // namespace rocksdb

namespace larder {

// A merge that begins.
struct MergeInfo {
  std::uint64_t input_bytes = 0;
  std::uint64_t drop_bytes = 0;  // what it writes though it drops every row: deletions
  bool into_last_level = false;  // where most rows are, and nothing lies below
  std::uint64_t swept = 0;       // the earliest time at which one of its tables there was
};
struct MergeResult {
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};

// A table of the store.
struct StoreFile {
  std::string name = {};
  std::uint64_t number = 0;  // grows with each that is written
  int level = 0;             // 0 to last_level
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::string smallest = {};  // keys
  std::string largest = {};
  bool merging = false;
  FileNotes notes = {};
};

struct StoreOptions {
  std::string path = {};
  // Null: one of its own, for the memtables and little else.
  std::shared_ptr<StoreMemory> memory = {};
  SpacePlan plan = SpacePlan(std::uint64_t{10} << 30);
  // Tables' indexes and filters stay in memory if they take less than this when it is opened.
  std::uint64_t most_pinned_bytes = UINT64_MAX;
  // Null: nobody counts. Must outlive the Store, as `merges` does.
  SpaceBudget* budget = nullptr;
  std::shared_ptr<RunningMerges> merges = std::make_shared<RunningMerges>();
  std::shared_ptr<rocksdb::CompactionFilterFactory> filter = {};
  std::function<void(LogLevel, std::string_view)> log = {};
  // Called by RocksDB's threads when a flush or a merge has failed. Must neither block nor call
  // the store.
  std::function<void(const Status&)> on_background_fault = {};
  // With a budget: called by the thread that is about to merge, for what the filter and the notes
  // are to go by; and after a merge that worked.
  std::function<std::shared_ptr<RunningMerge>(const MergeInfo&)> on_merge = {};
  std::function<void(const MergeResult&, const std::shared_ptr<RunningMerge>&)> on_merged = {};
  // With a budget: called by Open with what RocksDB read of a store that has rows, without its
  // sequence number, before the new manifest is put in force by which nothing is missing. An error:
  // Open fails for it, and the next one finds the same.
  std::function<Status(const RecoveredStore&)> on_read = {};
  // With a budget: asked before a file is made, renamed or deleted; an error fails that.
  std::function<Status()> may_change = {};
  rocksdb::Env* env = nullptr;  // null = the real one; must outlive the Store
};

// A row, pinned where RocksDB has it; no copy is made.
class PinnedRow {
 public:
  std::string_view bytes() const { return {slice_.data(), slice_.size()}; }

 private:
  friend class RocksStore;
  rocksdb::PinnableSlice slice_;
};

struct KeyAndRow {
  std::string_view key;
  std::string_view row;
};

// kUnknown: only the disk can tell (GetCached).
enum class ReadOutcome { kFound, kAbsent, kCorrupt, kFault, kUnknown };

// Thread-safe. Errors: kUnavailable (I/O), kResourceExhausted (no space left), kDataLoss (corrupt).
// After a write has failed all later ones do, until the store is opened anew.
class Store {
 public:
  // Where most rows are: with dynamic levels, from the first merge on.
  static constexpr int kLastLevel = 6;

  // Compactions wait for StartCompactions: those that are due would take from opening what it
  // needs of the machine. Unless many are due, as after many short lives.
  static Result<std::unique_ptr<Store>> Open(const StoreOptions& options);
  // Whether the disk takes writes and has room enough to open a store: writes a small file beside
  // it, syncs and deletes it.
  static Status Probe(const StoreOptions& options);
  // Of the volume that the store is on.
  static Result<std::uint64_t> FreeBytes(const StoreOptions& options);
  virtual ~Store() = default;

  virtual ReadOutcome Get(std::string_view key, PinnedRow& row) = 0;
  // The same from what is in memory (memtables, block cache): touches no disk.
  virtual ReadOutcome GetCached(std::string_view key, PinnedRow& row) = 0;
  // Get without filling the block cache.
  virtual ReadOutcome Peek(std::string_view key, PinnedRow& row) = 0;
  // Get for several keys; `rows` and the outcomes are in their order.
  virtual std::vector<ReadOutcome> MultiGet(std::span<const std::string_view> keys,
                                            std::span<PinnedRow> rows) = 0;
  // Calls `visit` with the rows from `from` on, in the order of their keys, as of now, until it
  // returns false. True: it did; false: there are no more rows. Fills no cache.
  virtual Result<bool> Scan(
      std::string_view from,
      const std::function<bool(std::string_view key, std::string_view row)>& visit) = 0;
  // `sync`: survives loss of power, with all writes before it. This and MultiPut do not wait for
  // merges: kDeadlineExceeded, nothing was written.
  virtual Status Put(std::string_view key, std::string_view row, bool sync) = 0;
  // All or none.
  virtual Status MultiPut(std::span<const KeyAndRow> rows, bool sync) = 0;
  // Puts and syncs. All writes up to the mark, this one among them, are synced.
  virtual Status PutSynced(std::string_view key, std::string_view row, StoreMark& mark) = 0;
  // Makes all writes so far survive loss of power.
  virtual Status Sync() = 0;
  // Slow; ended early by Interrupt.
  virtual Result<StoreBackup> BackUp(StoreBackupTask task) = 0;
  // Does nothing after the first time. May wait for the disk.
  virtual void StartCompactions() = 0;
  // RocksDB begins none from now on, until each hold was released. May wait for the disk.
  virtual Status HoldCompactions() = 0;
  virtual void ReleaseCompactions() = 0;
  virtual Status Flush() = 0;
  // Reads what is known of all files. Takes a few microseconds a file.
  virtual std::vector<StoreFile> Files() = 0;
  // Merges these files, and what overlaps them down to `level`, into `level`, on this thread. The
  // filter sees every row, and goes by `merge` (null: evicts nothing). kNotFound: one of them is
  // gone, or is being merged.
  virtual Status Rewrite(const std::vector<std::string>& names, int level,
                         std::shared_ptr<RunningMerge> merge) = 0;
  virtual Status SetPlan(const SpacePlan& plan) = 0;
  // Those that records in files need; what is not flushed is not looked at. Errors: kUnavailable
  // (also if a file does not say).
  virtual Result<std::set<std::uint64_t>> DictionariesInUse() = 0;
  // From now on Rewrite fails, and a backup ends early.
  virtual void Interrupt() = 0;

  // What it had when it was opened.
  virtual const RecoveredStore& recovered() const = 0;
  // Counts writes; never goes back, also across restarts, unless writes were lost.
  virtual std::uint64_t LatestSequence() const = 0;
  virtual std::uint64_t EstimatedRows() const = 0;
  virtual std::uint64_t TableBytes() const = 0;  // of the files that count
  // What tables' indexes and filters take that stay in memory whatever else is wanted there. Takes
  // a few microseconds a file.
  virtual std::uint64_t PinnedBytes() const = 0;
  virtual bool IsStalled() const = 0;  // writers wait
  virtual std::uint64_t MemtableBytes() const = 0;
};

}  // namespace larder
