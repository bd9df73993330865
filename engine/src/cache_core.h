// CacheCore: the cache itself, shared by the facade and by what may outlive it (leases).
//
// Read path in cache_read.cc, write path in cache_write.cc, opening and closing in cache_open.cc.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "byte_gate.h"
#include "cache_clock.h"
#include "codec.h"
#include "counters.h"
#include "dictionary.h"
#include "dictionary_trainer.h"
#include "directory_lock.h"
#include "eviction_policy.h"
#include "flight_table.h"
#include "gate.h"
#include "guarded_log.h"
#include "hot_tier.h"
#include "larder/cache.h"
#include "larder/cache_group.h"
#include "larder/observer.h"
#include "large_blocks.h"
#include "ledger.h"
#include "live_options.h"
#include "lull.h"
#include "memory_plan.h"
#include "observer_call.h"
#include "recent_evictions.h"
#include "record.h"
#include "refusals.h"
#include "running_merges.h"
#include "space_budget.h"
#include "state_file.h"
#include "store.h"
#include "store_memory.h"
#include "supervisor.h"
#include "table_copies.h"
#include "write_queue.h"

namespace larder {

struct TableDeath;

// What tests inject under the public options.
struct CacheInternals {
  rocksdb::Env* env = nullptr;
  bool hot_tier = true;                   // off: every hit comes from the store
  JournalFiles* journal_files = nullptr;  // null: the real ones
  // 0: as StoreOptions and LedgerOptions have it.
  std::uint64_t write_buffer_bytes = 0;
  std::size_t ledger_tags = 0;
  std::uint64_t journal_room = 0;
  // Free bytes on the volume below which no values are stored, and from which on they are again.
  std::uint64_t reserve_bytes = std::uint64_t{64} << 20;
  std::uint64_t resume_bytes = std::uint64_t{96} << 20;
  // Off: the test does what the threads do, by Care and Watch; values are written at once.
  bool threads = true;
  // Where values go that are written after they were handed out; null: the cache's own thread.
  // To be run, or dropped, before the core is gone.
  std::function<bool(std::function<void()>)> write_later = {};
  // Close waits at most so long for the disk.
  std::chrono::milliseconds close_patience = std::chrono::seconds(10);
};

class CacheCore : public std::enable_shared_from_this<CacheCore> {
 public:
  static Result<std::shared_ptr<CacheCore>> Open(const Options& options,
                                                 const CacheInternals& internals);
  CacheCore(const Options& options, const CacheInternals& internals);
  ~CacheCore();
  // Open by itself, for who must be able to turn away from a core that waits for its disk: makes
  // of one that was only constructed, with valid options, one that is open. Once.
  Status Start();
  // Tells the observer nothing more, from any thread: its owner may be gone.
  void ForgetObserver() { observer_gone_ = true; }
  // The latest number that was given out.
  std::uint64_t LastNumber() const { return ledger_->Last(); }
  // What was counted before there was a core.
  void AddCounts(const Counters& counts) { counters_.Load(counts.Read()); }
  const std::shared_ptr<GuardedLog>& log() const { return log_; }

  // As in cache.h.
  Acquired Acquire(std::string_view key, const ReadOptions& options, StaleWindow window);
  std::optional<Acquired> AcquireInMemory(std::string_view key, const ReadOptions& options);
  // A lease whose outcome is handed over and not stored. Needs no memory.
  Lease AcquireUnstored(std::string_view key);
  std::optional<Hit> GetIfError(std::string_view key, const ReadOptions& options);
  std::optional<Hit> GetInMemory(std::string_view key, const ReadOptions& options);
  std::optional<Hit> Get(std::string_view key, const ReadOptions& options);
  std::optional<Hit> Peek(std::string_view key, const ReadOptions& options);
  std::vector<std::optional<Hit>> MultiGet(std::span<const std::string_view> keys,
                                           const ReadOptions& options);
  Result<PutOutcome> Put(std::string_view key, std::string_view body, const WriteOptions& options);
  std::vector<Result<PutOutcome>> MultiPut(std::span<const PutRequest> puts);
  Status Touch(std::string_view key, Duration ttl);
  Status Remove(std::string_view key);
  Result<std::uint64_t> Invalidate(std::span<const Invalidation> what);
  Explanation Explain(std::string_view key, const ReadOptions& options);
  Status Sync();
  Status Close();
  Stats GetStats() const;
  Health GetHealth() const { return supervisor_->health(); }
  TimePoint Now() const { return clock_->Now(); }
  std::string_view StoreSecret() const { return state_.secret; }

  Result<ScanPage> Scan(const ScanOptions& options);

  // The two ways a lease ends. Commit is BeginCommit, after which the followers have been told, and
  // FinishCommit, which writes, unless there is nothing to.
  struct Begun {
    Committed committed;
    std::shared_ptr<EntryData> to_write;
  };
  Begun BeginCommit(const std::shared_ptr<FlightState>& flight, std::string_view body,
                    const WriteOptions& options);
  Committed FinishCommit(const std::shared_ptr<FlightState>& flight,
                         const std::shared_ptr<EntryData>& entry);
  // As Lease::CommitInBackground, which has given up `lease` for it.
  Entry CommitInBackground(const std::shared_ptr<FlightState>& flight, Lease lease,
                           std::string_view body, const WriteOptions& options);
  Committed Commit(const std::shared_ptr<FlightState>& flight, std::string_view body,
                   const WriteOptions& options);
  void Abandon(const std::shared_ptr<FlightState>& flight, Status status);

  Status Change(const OptionsChange& change);
  Result<std::vector<DictionaryInfo>> Dictionaries();
  Result<DictionaryTraining> TrainNow();
  Result<BackupInfo> Backup(const BackupOptions& options);
  Result<std::uint64_t> Export(const ExportSink& sink);
  Result<ImportReport> Import(const ImportSource& source);

  // What the steward does every second, and the watchdog five times a second.
  void Care();
  void Watch();
  // Runs it on Options::executor, if that takes it.
  bool RunInBackground(std::function<void()> work) const;
  bool HasExecutor() const { return executor_ != nullptr; }
  // For a follower, so that it is told in time.
  Duration DeadlineAfter(Duration timeout);

  // Flushes, so that the files tell all.
  Result<std::set<std::uint64_t>> DictionariesInUse();
  // Flushes and rewrites everything, so that the reaper sees every row.
  Status CompactAll(const CompactProgress& progress = {});

 private:
  struct Query;
  struct Lookup;
  struct Facts;
  struct Draft;
  // Serializes the writers of a key, and tells a reader whether anybody wrote since it read.
  struct alignas(64) Stripe {
    std::mutex mutex;
    std::atomic<std::uint64_t> version{0};
  };
  // Holds a stripe for writing. The version changes when all is written, before the lock is free:
  // a reader that took it earlier, even while the write ran, finds another.
  class Writing {
   public:
    explicit Writing(Stripe& stripe) : lock_(stripe.mutex), stripe_(stripe) {}
    ~Writing() { stripe_.version.fetch_add(1, std::memory_order_release); }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

   private:
    const std::lock_guard<std::mutex> lock_;
    Stripe& stripe_;
  };
  static constexpr std::size_t kStripes = 256;

  // cache_read.cc
  Query MakeQuery(const ReadOptions& options) const;
  Query MakeQuery(const ReadOptions& options, StaleWindow window) const;
  std::optional<MissReason> Judge(const Facts& facts, const Query& query) const;
  Facts FactsOf(const EntryData& entry, const Query& query) const;
  void Accept(std::shared_ptr<const EntryData> entry, const Query& query, Lookup& lookup) const;
  bool StillHolds(std::string_view key, const EntryData& entry) const;
  Lookup FindInMemory(std::string_view key, std::uint64_t hash, const Query& query);
  std::optional<Hit> CountLookup(std::string_view key, const Lookup& lookup);
  Lookup FindOnDisk(std::string_view key, std::uint64_t hash, Query& query);
  Lookup Take(std::string_view key, std::uint64_t hash, std::uint64_t version, ReadOutcome outcome,
              std::string_view row, Query& query);
  Lookup Find(std::string_view key, std::uint64_t hash, Query& query);
  Lookup FindBesideDisk(std::string_view key, std::uint64_t hash, const Query& query);
  Lookup FindUnwritten(std::string_view key, std::uint64_t hash, const Query& query);
  Lookup ReadRecord(std::string_view key, std::string_view bytes, const Query& query);
  void FillHotTier(std::string_view key, std::uint64_t hash, std::uint64_t version,
                   const std::shared_ptr<const EntryData>& entry);
  Hit CountHit(std::string_view key, const Entry& entry, bool stale, bool in_memory);
  void CountMiss(std::string_view key, MissReason reason);
  std::optional<Hit> HitOfEnded(FlightState& flight, Query& query);
  FlightTable::Joined JoinOrLead(std::string_view key, std::uint64_t hash,
                                 const ReadOptions& options, const Query& query,
                                 std::uint64_t epoch, MissReason reason);
  std::optional<Acquired> TryAcquire(std::string_view key, const ReadOptions& options,
                                     Query& query);
  Acquired FoundUnderLease(std::string_view key, const Lookup& lookup, const Query& query,
                           Lease lease);
  std::optional<Acquired> HitOrRefresh(std::string_view key, std::uint64_t hash,
                                       const ReadOptions& options, Query& query,
                                       std::uint64_t epoch, Lookup lookup);
  std::optional<Acquired> LeaseOrFlight(std::string_view key, std::uint64_t hash,
                                        const ReadOptions& options, Query& query,
                                        std::uint64_t epoch, MissReason reason);
  std::shared_ptr<FlightState> UnstorableFlight(std::string_view key, Status why, Duration timeout);
  void SetDeadline(FlightState& flight, Duration timeout);
  void Prepare(FlightState& flight, MissReason reason);
  void EndIfDue(FlightState& flight, Duration now);
  void SweepDeadlines();

  struct LaterWrite;
  // False: it has to be done at once.
  WriteQueue::Added WriteLater(std::uint64_t bytes, std::function<void()> write);
  void RefuseLate(const std::shared_ptr<FlightState>& flight);

  // cache_scan.cc
  void ScanRow(std::string_view key, std::string_view row, const ScanOptions& options,
               const Query& query, ScanPage& page);

  // cache_explain.cc
  void ExplainEntry(std::string_view key, const RecordView& record, const ReadOptions& options,
                    Explanation& explanation) const;

  // Calls `call` with the observer, if there is one. Not to be called under a lock.
  template <typename Call>
  void Tell(const Call& call) const {
    if (options_.observer == nullptr || observer_gone_.load(std::memory_order_relaxed)) [[likely]]
      return;
    const ObserverCall underway(this);
    try {
      call(*options_.observer);
    } catch (...) {  // NOLINT(bugprone-empty-catch): the observer's own affair
    }
  }
  void TellHealth();

  // cache_batch.cc
  void GetFromStore(std::span<const std::string_view> keys, std::span<const std::size_t> which,
                    Query& query, std::span<std::optional<Hit>> hits);
  std::vector<Result<PutOutcome>> PutSome(std::deque<Draft>& drafts);

  // cache_write.cc, cache_touch.cc
  std::shared_ptr<EntryData> MakeEntry(std::string_view key, std::string_view body,
                                       const WriteOptions& options,
                                       const std::vector<std::string>& tags) const;
  Duration TtlOf(std::string_view key, const WriteOptions& options) const;
  std::shared_ptr<EntryData> MakeCommitted(const FlightState& flight, std::string_view body,
                                           const WriteOptions& options,
                                           const std::vector<std::string>& tags) const;
  Status CheckWrite(std::string_view key, std::string_view body, const WriteOptions& options) const;
  enum class Numbered { kByLease, kNow };
  // Unless something newer is there. kNow: takes the entry's number under the stripe's lock.
  // `admit` is asked once the number is taken, with the key's stripe held: no is kSuperseded.
  using Admission = std::function<bool()>;
  Result<PutOutcome> Write(std::string_view key, const std::shared_ptr<EntryData>& entry,
                           Numbered numbered, const Admission& admit = {});
  Result<PutOutcome> TryWrite(std::string_view key, const std::shared_ptr<EntryData>& entry);
  Result<PutOutcome> WriteUntold(std::string_view key, const std::shared_ptr<EntryData>& entry,
                                 Numbered numbered, const Admission& admit);
  void TellWritten(std::string_view key, const EntryData& entry, const Result<PutOutcome>& outcome);
  void CountRefused(std::string_view key, PutOutcome outcome, const Status& status);
  std::optional<Result<PutOutcome>> RefusePut(std::string_view key, std::string_view body,
                                              const WriteOptions& options);
  std::optional<Result<PutOutcome>> Refuse(Draft& draft, Numbered numbered);
  void Encode(Draft& draft);
  Result<PutOutcome> Finish(const Draft& draft, const Status& written);
  Status CheckRoom(std::size_t row_bytes, const SpaceBudget::Room& room) const;
  enum class Precedence { kWrite, kSuperseded, kCorrupt, kFault };
  Precedence Compare(std::string_view key, std::uint64_t number,
                     std::optional<Popularity>& popularity);
  // Synced if the caller wants to know the store's sequence number then.
  Status WriteTombstone(std::string_view key, TombstoneCause cause, StoreMark* synced);
  Status RemovePatiently(std::string_view key);
  Status TryRemove(std::string_view key);
  std::uint64_t OldestLeaseThatWrites(bool evicting);
  bool IsLive(std::string_view key, const RecordView& record) const;
  Status WriteTouched(std::string_view key, std::uint64_t hash, RecordView record, Duration ttl);
  void DropCorrupt(std::string_view key, std::uint64_t hash);
  static std::size_t StripeIndex(std::uint64_t hash) { return (hash >> 8) % kStripes; }
  Stripe& StripeOf(std::uint64_t hash) { return stripes_[StripeIndex(hash)]; }

  // cache_open.cc
  Status OpenFiles();
  std::unique_ptr<Supervisor> MakeSupervisor();
  Status OpenState();
  StoreOptions MakeStoreOptions();
  Result<std::unique_ptr<Store>> OpenStore();
  Status OpenLedger(const Store* store);  // null: there is none yet
  Status NameStore(const Store& store);
  Status JudgeStore(const RecoveredStore& found);
  Status StoreRecovered(const Store& store);
  // Another cache may have taken the place of this one's directory, which was moved: nothing of
  // this one is to be written there.
  Status CheckDirectory() const;
  Status Quarantine(const Status& why);
  MemoryPlan PlanMemory() const;
  // In memory, but for the hot tier and the store.
  std::uint64_t UsedBesideHotTier() const;
  // Gives the hot tier what the others leave.
  void ShareMemory();
  Status StartThreads();
  void Log(LogLevel level, std::string_view line) const { log_->Write(level, line); }

  // backup.cc, cache_transfer.cc
  Status BackUpTo(const BackupOptions& options, Store& store, BackupInfo& info);
  Result<StoreBackup> BackUpRows(StoreBackupTask task, Store& store);
  bool IsAsNew(std::string_view key, TimePoint created);
  Result<PutOutcome> ImportOne(const ExportedEntry& given, ImportReport& report);

  // cache_space.cc
  std::shared_ptr<RunningMerge> BeginMerge(const MergeInfo& info);
  void EndMerge(const MergeResult& result, const std::shared_ptr<RunningMerge>& merge);
  void NoteEvicted(std::string_view key, const RecordView& record, const EntryFacts& facts);
  void MeasureSpace();
  void RunSweeper();
  void MakeRoom();
  void BoundPinned();
  void HoldForCopies();
  void LookAtStore(const Store& store);
  bool SweepOnce();
  Status RewriteFiles(Store& store, const std::vector<StoreFile>& files, int level,
                      std::optional<EvictionPolicy::Slice> slice, std::uint64_t file_bytes = 0);
  Status RewriteDown(Store& store, const std::vector<StoreFile>& files, int level);

  // cache_reclaim.cc
  void Reclaim();
  bool ReclaimOnce(Store& store);
  void NoteReclaimed(Store& store, const std::vector<StoreFile>& before, const StoreFile& file,
                     double share);
  double WorthReclaiming(const StoreFile& file) const;
  TableDeath DeathOf(const StoreFile& file) const;

  // cache_popularity.cc
  void NoteHit(const EntryData& entry);
  std::uint64_t AccessClock() const;
  void LoadPopularity();
  void SavePopularity();
  void TellPolicySize();

  // cache_change.cc
  void SetLevel(int level);
  void SetMemory(std::uint64_t max_memory_bytes);

  // cache_warm_up.cc
  std::size_t MostHotListBytes() const;
  void SaveHotList();
  void StartWarmUp();
  void WarmUp();
  bool ReadIntoMemory(std::vector<std::string> keys);
  bool BringBack(std::string_view key);

  // cache_steward.cc
  void RunSteward();
  void RunWatchdog();
  Status SaveState();
  // In a group: gives up its memtable for who writes more.
  void ShareMemtables();
  // Once a minute: what a kill may take is no older.
  void SaveIfDue();
  void EndCalls(std::chrono::milliseconds patience);
  static void EndForClosing(FlightState& flight);
  Status CloseFiles();
  Status AwaitClosed(std::chrono::milliseconds most);
  void StopThreads();
  // In the background, if that is due and none is under way.
  void StartTraining();
  Result<DictionaryTraining> TrainDictionary();
  Status SampleStore();  // cache_dictionary.cc
  std::string PathOf(std::string_view name) const {
    return options_.directory + "/" + std::string(name);
  }

  // Constant after Open.
  const Options options_;
  const CacheInternals internals_;
  const Clock& system_clock_;
  const std::shared_ptr<GuardedLog> log_;
  std::shared_ptr<const Executor> executor_;
  DirectoryLock lock_;
  std::unique_ptr<CacheClock> clock_;
  std::unique_ptr<DictionaryShelf> dictionaries_;
  std::unique_ptr<DictionaryTrainer> trainer_;  // null: dictionaries are off
  std::unique_ptr<Codec> codec_;
  std::unique_ptr<HotTier> hot_tier_;
  std::unique_ptr<EvictionPolicy> policy_;
  const std::shared_ptr<RunningMerges> merges_ = std::make_shared<RunningMerges>();
  SpaceBudget budget_;
  std::atomic<std::uint64_t> max_memory_bytes_;
  std::mutex training_mutex_;  // one Train at a time
  std::shared_ptr<StoreMemory> store_memory_;
  ByteGate values_in_flight_;
  KeptBlocks kept_blocks_;
  LiveOptions live_;
  std::mutex change_mutex_;  // one Change at a time
  std::unique_ptr<FlightTable> flights_;
  std::unique_ptr<Ledger> ledger_;
  std::atomic<const Ledger*> reaper_ledger_{nullptr};  // null until the ledger is open
  std::optional<StoreMemory::Part> store_part_;
  std::unique_ptr<Supervisor> supervisor_;  // has the store
  Duration opened_{};

  State state_;  // counters and anchor: as of the last save
  std::mutex state_mutex_;
  bool state_failed_ = false;  // logged already; guarded by state_mutex_
  mutable Counters counters_;
  Refusals refusals_;
  RecentEvictions recent_evictions_;
  Health told_health_;  // the steward's alone
  // The sweeper's alone.
  Duration looked_at_{0};
  Duration pinned_looked_at_{0};
  Lull lull_{opened_};
  std::map<std::uint64_t, Duration> spared_until_;  // tables by number, see cache_reclaim.cc
  std::atomic<std::uint64_t> reclaimable_bytes_{0};
  std::atomic<bool> pinned_too_much_{false};  // until there is more memory
  TableCopies copies_;                        // by backups

  std::atomic<bool> warming_up_{false};
  std::atomic<bool> warmed_up_{false};     // the hot list was read, as far as it goes
  Duration saved_at_{0};                   // the steward's alone
  std::uint64_t written_seen_ = 0;         // the store's sequence number; the steward's alone
  std::uint64_t written_flushed_ = 0;      // the same when it flushed for the group
  std::uint64_t popularity_saved_at_ = 0;  // the access clock; the steward's and the closer's
  Gate calls_;                             // shut for good by Close
  // A lease with a smaller number may not write: what it should find newer is gone.
  std::atomic<std::uint64_t> oldest_writer_{0};
  std::array<Stripe, kStripes> stripes_;
  std::atomic<bool> has_deadlines_{false};  // some flight has, or had, one

  std::mutex threads_mutex_;
  std::condition_variable threads_wake_;
  bool threads_stop_ = false;  // guarded by threads_mutex_
  std::thread steward_;        // looks after all that needs the disk
  std::thread watchdog_;       // never touches the disk
  std::thread sweeper_;        // makes room
  std::thread warmer_;         // ends when what was hot is in memory again
  WriteQueue write_queue_;
  std::atomic<std::uint64_t> unwritten_{0};  // handed out, and in that queue
  std::future<void> training_;  // started by the steward, awaited by whoever stops that
  bool files_closed_ = false;   // by whoever closes, once
  // Outlives this where the thread that closes is the last to hold it.
  const std::shared_ptr<std::promise<Status>> closing_ = std::make_shared<std::promise<Status>>();
  const std::shared_future<Status> closed_ = closing_->get_future().share();
  std::atomic<bool> closing_started_{false};
  std::atomic<bool> observer_gone_{false};  // a close was given up, so its owner may be too
};

// The same, where the cache may be gone.
Committed CommitFlight(const std::shared_ptr<FlightState>& flight, std::string_view body,
                       const WriteOptions& options);
void AbandonFlight(const std::shared_ptr<FlightState>& flight, Status status);
void FollowFlight(const std::shared_ptr<FlightState>& flight,
                  std::function<void(FlightEnd)> callback, Duration timeout,
                  const std::stop_token& stop);

// What `loader` returns, or kInternal for what it throws.
Result<Computed> RunLoader(const Loader& loader);
// Of one that has failed. Neither throws.
Status FailureOf(const Result<Computed>& computed);

// Limits of options.h.
Status CheckKey(std::string_view key);
Status CheckPrefixes(const std::vector<std::string>& prefixes);
Status CheckTags(const std::vector<std::string>& tags, std::size_t most = kMaxTags);
// What callers are told who do the same whatever kept it from the disk.
Status AsUnavailable(Status status);

// Longer lifetimes than this are taken for "never"; sums with it cannot overflow.
inline constexpr Duration kLongest = std::chrono::hours(24 * 365 * 100);

// What users hold: the last of its kind closes the core.
std::unique_ptr<Cache> MakeCache(std::shared_ptr<CacheCore> core);
// Cache::Open with something injected.
Result<std::unique_ptr<Cache>> OpenCache(const Options& options, const CacheInternals& internals);

}  // namespace larder
