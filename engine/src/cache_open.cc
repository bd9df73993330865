// Opening: the directory's lock, identity, store and ledger.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "allocator_slack.h"
#include "cache_core.h"
#include "invalidation_time.h"
#include "kill_point.h"
#include "reaper.h"
#include "restore.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

// So many times the memory that a cache is opened with can be of use to its eviction policy later.
constexpr std::size_t kMostGrowth = 8;

// A disk that is full or fails is no reason not to open: the store follows when it can, as it
// would after the same fault later on (supervisor.h). Nor is a store that could not be moved aside
// for that.
bool MayComeBack(const Status& status, OnCorruption on_corruption) {
  if (status.code() == StatusCode::kDataLoss) return on_corruption == OnCorruption::kQuarantine;
  return status.code() == StatusCode::kResourceExhausted ||
         status.code() == StatusCode::kUnavailable;
}

// What does not mend itself, and is better told at once.
Status CheckMayBeUsed(const std::string& store) {
  struct stat info {};
  if (::stat(store.c_str(), &info) != 0) return Status::Ok();
  if (!S_ISDIR(info.st_mode)) return {StatusCode::kUnavailable, store + " is not a directory"};
  if (::access(store.c_str(), R_OK | W_OK | X_OK) == 0) return Status::Ok();
  if (errno != EACCES && errno != EPERM && errno != EROFS) return Status::Ok();
  return {StatusCode::kUnavailable, store + ": " + std::strerror(errno)};
}

// To be called when the ledger has raised its floor over everything by itself, which it does
// without a time: what was computed elsewhere, and later, could not be imported. One that is made
// now covers no more. If it cannot be written yet, it is with the rest.
void DateFloor(Ledger& ledger, const CacheClock& clock) {
  if (ledger.StandingOf({}, kNever - Duration(1), {}).holds) return;  // it has one
  const Rule everything;
  static_cast<void>(
      ledger.Invalidate({&everything, 1}, [&clock] { return TimeOfInvalidation(clock); }));
}

}  // namespace

CacheCore::CacheCore(const Options& options, const CacheInternals& internals)
    : options_(options),
      internals_(internals),
      system_clock_(options.clock != nullptr ? *options.clock : Clock::System()),
      log_(std::make_shared<GuardedLog>(options.log)),
      budget_(options.max_disk_bytes),
      max_memory_bytes_(options.max_memory_bytes),
      values_in_flight_(PlanMemory().in_flight_bytes),
      live_(options),
      opened_(system_clock_.SinceBoot()),
      saved_at_(opened_),
      write_queue_(PlanMemory().queue_bytes) {
  budget_.SetMostWriteBuffer(PlanMemory().write_buffer_bytes);
  if (options_.executor) executor_ = std::make_shared<const Executor>(options_.executor);
}

CacheCore::~CacheCore() {
  static_cast<void>(CloseFiles());  // done already, unless opening failed
}

Result<std::shared_ptr<CacheCore>> CacheCore::Open(const Options& options,
                                                   const CacheInternals& internals) {
  if (Status status = options.Validate(); !status.ok()) return status;
  auto core = std::make_shared<CacheCore>(options, internals);
  if (Status status = core->Start(); !status.ok()) {
    const bool full = status.code() == StatusCode::kResourceExhausted;
    if (full) status = {StatusCode::kUnavailable, status.message()};
    return status.WithContext("open cache");
  }
  return core;
}

Status CacheCore::Start() {
  BoundAllocatorSlack();
  if (Status status = OpenFiles(); !status.ok()) {
    // What was not opened is not saved when it is closed.
    reaper_ledger_.store(nullptr);
    flights_.reset();
    ledger_.reset();
    return status;
  }
  return StartThreads();
}

Status CacheCore::OpenFiles() {
  Result<DirectoryLock> lock = DirectoryLock::Take(options_.directory, /*create=*/true);
  if (!lock.ok()) return lock.status();
  lock_ = *std::move(lock);
  if (Status status = FinishRestore(options_.directory); !status.ok()) return status;
  if (Status status = OpenState(); !status.ok()) return status;
  const CompressionOptions& compression = options_.compression;
  const MemoryPlan memory = PlanMemory();
  dictionaries_ = std::make_unique<DictionaryShelf>(
      PathOf("dict"), compression.level,
      [this](LogLevel level, std::string_view line) { Log(level, line); });
  if (compression.dictionary == DictionaryMode::kAuto) {
    trainer_ = std::make_unique<DictionaryTrainer>(compression.level, memory.sample_bytes);
  }
  kept_blocks_.Set(memory.kept_bytes);
  codec_ = std::make_unique<Codec>(compression.level, *dictionaries_, trainer_ != nullptr);
  hot_tier_ = std::make_unique<HotTier>(memory.HotTierBytes(0));
  const std::size_t most_entries = memory.policy_bytes / EvictionPolicy::kMostBytesAnEntry;
  policy_ = std::make_unique<EvictionPolicy>(kMostGrowth * most_entries);
  policy_->LimitEntries(most_entries);
  store_memory_ =
      options_.group != nullptr
          ? options_.group->memory_
          : std::make_shared<StoreMemory>(memory.store_bytes, budget_.plan().memtable_bytes());
  store_part_.emplace(store_memory_);
  LoadPopularity();
  supervisor_ = MakeSupervisor();
  // Before the store, whose opening shows once what was lost, and asks the ledger then.
  Status status = OpenLedger(nullptr);
  KillPoint("ledger opened");
  const bool is_unnumbered = status.code() == StatusCode::kDataLoss;
  if (!status.ok() && !is_unnumbered) return status;
  Result<std::unique_ptr<Store>> store = OpenStore();
  if (!store.ok() && !MayComeBack(store.status(), options_.on_corruption)) return store.status();
  if (!store.ok()) {
    if (Status usable = CheckMayBeUsed(PathOf("store")); !usable.ok()) return usable;
    const bool held = store.status().message().find("/LOCK: ") != std::string::npos;
    if (held) return store.status();  // by a tool of RocksDB's, say
  }
  KillPoint("store opened");
  // It may have no rows. There is no mark that its opening could have been held against.
  if (is_unnumbered) status = OpenLedger(store.ok() ? store->get() : nullptr);
  if (status.code() == StatusCode::kDataLoss &&
      options_.on_corruption == OnCorruption::kQuarantine) {
    // Nothing says what was invalidated among these rows, nor how they are numbered.
    store = Status(StatusCode::kUnavailable, "closed");
    status = Quarantine(status);
    if (!status.ok()) return status;
    store = OpenStore();
    if (!store.ok() && !MayComeBack(store.status(), options_.on_corruption)) return store.status();
    status = OpenLedger(store.ok() ? store->get() : nullptr);
  }
  if (!status.ok()) return status;
  if (store.ok()) {
    if (Status ready = StoreRecovered(**store); !ready.ok()) store = ready;
  }
  status = store.status();
  supervisor_->Start(store.ok() ? *std::move(store) : nullptr, status);
  MeasureSpace();
  ShareMemory();
  return Status::Ok();
}

// Before anything is written to the store. One without rows counts its writes anew, however it has
// come to that: moved aside, lost, or never synced. What was backed up before says nothing of
// removals in it (restore.cc). And power lost now must not bring one back that was moved aside:
// with the state all names in the directory are synced. The state says, too, below which number
// all rows are, should the journal be lost.
Status CacheCore::NameStore(const Store& store) {
  if (Status status = ledger_->RetryUnwritten(); !status.ok()) return status;
  if (store.LatestSequence() == 0) {
    const std::lock_guard lock(state_mutex_);
    RenewHistory(state_);
  }
  return SaveState();
}

// Also while the store is opened: without a ledger there is no mark to hold against it.
Status CacheCore::JudgeStore(const RecoveredStore& found) {
  if (ledger_ == nullptr) return Status::Ok();
  const std::uint64_t floor = ledger_->floor();
  Status judged = ledger_->StoreRecovered(found);
  if (ledger_->floor() != floor) DateFloor(*ledger_, *clock_);
  return judged;
}

Status CacheCore::CheckDirectory() const {
  if (lock_.IsOf(options_.directory)) return Status::Ok();
  return {StatusCode::kUnavailable, "the directory was moved away"};
}

Status CacheCore::StoreRecovered(const Store& store) {
  // Of one without rows the ledger is told after the state: what the journal notes is what a
  // restore knows of removals, as long as the state has the marks of backups.
  if (store.LatestSequence() != 0) {
    const Status judged = JudgeStore(store.recovered());
    const Status named = NameStore(store);
    return judged.ok() ? named : judged;
  }
  // Without what open leases would have to find there, too.
  oldest_writer_.store(ledger_->Last() + 1);
  if (Status status = NameStore(store); !status.ok()) return status;
  return ledger_->StoreRecovered(store.recovered());
}

Status CacheCore::OpenState() {
  const Status status = ReadState(PathOf("state"), state_);
  if (status.code() == StatusCode::kUnavailable) return status;
  if (!status.ok()) {
    if (status.code() == StatusCode::kDataLoss) Log(LogLevel::kWarning, status.ToString());
    state_ = NewState();
  }
  counters_.Load(state_.counters);
  clock_ = std::make_unique<CacheClock>(system_clock_, state_.anchor);
  return Status::Ok();
}

StoreOptions CacheCore::MakeStoreOptions() {
  ReaperView view;
  view.now = [this] { return clock_->Adopted(); };
  view.ledger = [this] { return reaper_ledger_.load(std::memory_order_acquire); };
  view.oldest_outstanding_lease = [this](bool evicting) { return OldestLeaseThatWrites(evicting); };
  view.expired = &counters_.Cell(Counter::kExpired);
  view.merges = merges_;
  view.policy = policy_.get();
  view.evicted = [this](std::string_view key, const RecordView& record, const EntryFacts& facts) {
    NoteEvicted(key, record, facts);
  };
  StoreOptions store;
  store.path = PathOf("store");
  store.memory = store_memory_;
  store.filter = MakeReaper(std::move(view));
  store.log = [log = log_](LogLevel level, std::string_view line) { log->Write(level, line); };
  store.plan = budget_.plan();
  store.most_pinned_bytes = pinned_too_much_ ? 0 : store_part_->bytes() / 8 * 5;
  store.budget = &budget_;
  store.merges = merges_;
  store.on_merge = [this](const MergeInfo& info) { return BeginMerge(info); };
  store.on_merged = [this](const MergeResult& result, const std::shared_ptr<RunningMerge>& merge) {
    EndMerge(result, merge);
  };
  store.on_background_fault = [this](const Status& status) {
    supervisor_->BackgroundFailed(status);
  };
  store.on_read = [this](const RecoveredStore& found) { return JudgeStore(found); };
  store.may_change = [this] { return CheckDirectory(); };
  store.env = internals_.env;
  if (internals_.write_buffer_bytes != 0) {
    store.plan.write_buffer_bytes = internals_.write_buffer_bytes;
  }
  return store;
}

std::unique_ptr<Supervisor> CacheCore::MakeSupervisor() {
  SupervisorOptions options;
  options.open = [this] { return OpenStore(); };
  options.set_aside = [this](const Status& why) -> Status {
    if (options_.on_corruption == OnCorruption::kQuarantine) return Quarantine(why);
    return {StatusCode::kDataLoss, "on_corruption is fail: " + why.ToString()};
  };
  options.probe = [this] {
    const Status ours = CheckDirectory();
    return ours.ok() ? Store::Probe(MakeStoreOptions()) : ours;
  };
  options.recovered = [this](Store& store) { return StoreRecovered(store); };
  options.free_bytes = [this] { return Store::FreeBytes(MakeStoreOptions()); };
  options.log = [this](LogLevel level, std::string_view line) { Log(level, line); };
  options.clock = &system_clock_;
  options.counters = &counters_;
  options.reserve_bytes = internals_.reserve_bytes;
  options.resume_bytes = internals_.resume_bytes;
  return std::make_unique<Supervisor>(std::move(options));
}

Result<std::unique_ptr<Store>> CacheCore::OpenStore() {
  const auto open = [this]() -> Result<std::unique_ptr<Store>> {
    if (Status ours = CheckDirectory(); !ours.ok()) return ours;
    // Else the ledger would refuse at the end of opening, and each try leave tables behind.
    Status writable = ledger_ != nullptr ? ledger_->RetryUnwritten() : Status::Ok();
    if (!writable.ok()) return writable;
    return Store::Open(MakeStoreOptions());
  };
  Result<std::unique_ptr<Store>> opened = open();
  if (opened.status().code() != StatusCode::kDataLoss ||
      options_.on_corruption != OnCorruption::kQuarantine) {
    return opened;
  }
  if (Status status = Quarantine(opened.status()); !status.ok()) return status;
  return open();
}

Status CacheCore::OpenLedger(const Store* store) {
  LedgerOptions ledger;
  ledger.path = PathOf("invalidations");
  std::error_code error;
  ledger.store_has_rows = store != nullptr ? store->LatestSequence() > 0
                                           : fs::exists(PathOf("store/CURRENT"), error) || error;
  ledger.saved_number_bound = state_.number_bound;
  ledger.may_replace = [this] { return CheckDirectory(); };
  ledger.log = [log = log_](LogLevel level, std::string_view line) { log->Write(level, line); };
  ledger.files = internals_.journal_files;
  ledger.max_tags = PlanMemory().ledger_tags;
  if (internals_.ledger_tags != 0) ledger.max_tags = internals_.ledger_tags;
  if (internals_.journal_room != 0) ledger.journal_room = internals_.journal_room;
  Result<std::unique_ptr<Ledger>> opened = Ledger::Open(ledger);
  if (!opened.ok()) return opened.status();
  ledger_ = *std::move(opened);
  if (ledger_->floor() == ledger_->Last()) DateFloor(*ledger_, *clock_);
  flights_ = std::make_unique<FlightTable>(*ledger_);
  reaper_ledger_.store(ledger_.get(), std::memory_order_release);
  return Status::Ok();
}

// Moved aside, not deleted; only the newest is kept. Synced with the state that is saved before
// anything is written to the store that follows.
Status CacheCore::Quarantine(const Status& why) {
  if (Status ours = CheckDirectory(); !ours.ok()) return ours;
  std::error_code error;
  fs::remove_all(PathOf("quarantine"), error);
  fs::create_directory(PathOf("quarantine"), error);
  if (!error) fs::rename(PathOf("store"), PathOf("quarantine/store"), error);
  if (error) return why.WithContext("quarantine failed (" + error.message() + ")");
  counters_.Add(Counter::kQuarantined);
  Log(LogLevel::kError,
      "the store cannot be read and was moved to quarantine/, starting empty: " + why.ToString());
  return Status::Ok();
}

Status CacheCore::StartThreads() {
  if (!internals_.threads) return Status::Ok();
  try {
    if (!internals_.write_later) write_queue_.Start();
    if (GetHealth().reads) StartWarmUp();  // before the steward, who does it later
    steward_ = std::thread([this] { RunSteward(); });
    watchdog_ = std::thread([this] { RunWatchdog(); });
    sweeper_ = std::thread([this] { RunSweeper(); });
  } catch (const std::system_error& error) {
    return {StatusCode::kUnavailable, std::string("start a thread: ") + error.what()};
  }
  return Status::Ok();
}

MemoryPlan CacheCore::PlanMemory() const {
  return MemoryPlan(max_memory_bytes_,
                    options_.group != nullptr ? options_.group->max_memory_bytes() : 0);
}

std::uint64_t CacheCore::UsedBesideHotTier() const {
  return policy_->MemoryBytes() + ledger_->memory_bytes() + codec_->MostMemoryBytes() +
         dictionaries_->memory_bytes() + (trainer_ != nullptr ? trainer_->sample_bytes() : 0);
}

void CacheCore::ShareMemory() {
  hot_tier_->SetCapacity(PlanMemory().HotTierBytes(UsedBesideHotTier()));
}

// Never waits for the disk.
Stats CacheCore::GetStats() const {
  Stats stats;
  counters_.Fill(stats);
  stats.health = GetHealth();
  stats.uptime = system_clock_.SinceBoot() - opened_;
  stats.hot_entries = hot_tier_->entries();
  stats.hot_bytes = hot_tier_->bytes();
  stats.ledger_tags = ledger_->tag_count();
  stats.memory_bytes = stats.hot_bytes + UsedBesideHotTier();
  if (options_.group == nullptr) stats.memory_bytes += store_memory_->used_bytes();
  stats.disk_bytes = budget_.bytes();
  stats.reclaimable_bytes = reclaimable_bytes_;
  stats.space_pressure = static_cast<std::uint64_t>(budget_.pressure());
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  if (!pass) return stats;
  stats.entries = supervisor_->store().EstimatedRows();
  return stats;
}

}  // namespace larder
