// Opening and closing: the directory's lock, identity, store, ledger, and the steward thread.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cache_core.h"
#include "directory_size.h"
#include "kill_point.h"
#include "reaper.h"

namespace larder {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStewardPeriod{1};
constexpr int kPeriodsBetweenSaves = 60;
constexpr int kLongestPause = 64;

// Shares of max_memory_bytes; what is left goes to the ledger, filters and RocksDB's small things.
constexpr std::uint64_t HotTierBytes(std::uint64_t memory) { return memory / 8 * 3; }
constexpr std::uint64_t StoreBytes(std::uint64_t memory) { return memory / 2; }

Status SystemError(std::string_view what, const std::string& path) {
  return {StatusCode::kUnavailable, std::string(what) + " " + path + ": " + std::strerror(errno)};
}

}  // namespace

CacheCore::CacheCore(const Options& options, const CacheInternals& internals)
    : options_(options),
      internals_(internals),
      system_clock_(options.clock != nullptr ? *options.clock : Clock::System()),
      opened_(system_clock_.SinceBoot()) {
  if (options_.executor) executor_ = std::make_shared<const Executor>(options_.executor);
}

CacheCore::~CacheCore() {
  static_cast<void>(Close());
  ledger_.reset();
  if (directory_fd_ >= 0) ::close(directory_fd_);
}

Result<std::shared_ptr<CacheCore>> CacheCore::Open(const Options& options,
                                                   const CacheInternals& internals) {
  if (Status status = options.Validate(); !status.ok()) return status;
  auto core = std::make_shared<CacheCore>(options, internals);
  if (Status status = core->OpenFiles(); !status.ok()) return status.WithContext("open cache");
  try {
    core->steward_ = std::thread([raw = core.get()] { raw->RunSteward(); });
  } catch (const std::system_error& error) {
    return Status(StatusCode::kUnavailable, std::string("start a thread: ") + error.what());
  }
  return core;
}

Status CacheCore::OpenFiles() {
  if (Status status = LockDirectory(); !status.ok()) return status;
  if (Status status = OpenState(); !status.ok()) return status;
  codec_ = std::make_unique<Codec>(options_.compression.level);
  hot_tier_ = std::make_unique<HotTier>(HotTierBytes(options_.max_memory_bytes));
  Status status = OpenStore();
  if (status.code() == StatusCode::kDataLoss &&
      options_.on_corruption == OnCorruption::kQuarantine) {
    status = Quarantine(status);
    if (status.ok()) status = OpenStore();
  }
  if (!status.ok()) return status;
  KillPoint("store opened");
  status = OpenLedger();
  KillPoint("ledger opened");
  if (status.code() == StatusCode::kDataLoss &&
      options_.on_corruption == OnCorruption::kQuarantine) {
    // Nothing says what was invalidated among these rows, nor how they are numbered.
    store_.reset();
    status = Quarantine(status);
    if (status.ok()) status = OpenStore();
    if (status.ok()) status = OpenLedger();
  }
  if (!status.ok()) return status;
  return SaveState();  // the number bound must be kept, should the journal be lost
}

// The lock is on the directory itself: no file of its own, released by the kernel when the
// process ends, however it ends.
Status CacheCore::LockDirectory() {
  std::error_code error;
  const bool existed = fs::exists(options_.directory, error);
  fs::create_directories(options_.directory, error);
  if (error) {
    return {StatusCode::kUnavailable,
            "create directory " + options_.directory + ": " + error.message()};
  }
  if (!existed) ::chmod(options_.directory.c_str(), 0700);
  directory_fd_ = ::open(options_.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ < 0) return SystemError("open directory", options_.directory);
  if (::flock(directory_fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return {StatusCode::kUnavailable, options_.directory + " is held by another process"};
    }
    return SystemError("lock directory", options_.directory);
  }
  if (::faccessat(AT_FDCWD, options_.directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return SystemError("write to directory", options_.directory);
  }
  return Status::Ok();
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
  view.oldest_outstanding_lease = [this] { return flights_->OldestLease(); };
  view.expired = &counters_.Cell(Counter::kExpired);
  StoreOptions store;
  store.path = PathOf("store");
  store.memory_bytes = StoreBytes(options_.max_memory_bytes);
  store.filter = MakeReaper(std::move(view));
  store.log = options_.log;
  store.env = internals_.env;
  if (internals_.write_buffer_bytes != 0) store.write_buffer_bytes = internals_.write_buffer_bytes;
  return store;
}

Status CacheCore::OpenStore() {
  Result<std::unique_ptr<Store>> opened = Store::Open(MakeStoreOptions());
  if (opened.ok()) {
    store_ = *std::move(opened);
    return Status::Ok();
  }
  if (opened.status().code() != StatusCode::kDataLoss ||
      options_.on_corruption != OnCorruption::kQuarantine) {
    return opened.status();
  }
  if (Status status = Quarantine(opened.status()); !status.ok()) return status;
  opened = Store::Open(MakeStoreOptions());
  if (opened.ok()) store_ = *std::move(opened);
  return opened.status();
}

// After a fault the store serves what it can read. Once the disk takes writes again it is opened
// anew; calls that come meanwhile are misses and are not stored.
bool CacheCore::HealStore() {
  if (!Store::Probe(MakeStoreOptions()).ok()) return false;
  store_gate_.Shut();  // it is already, if the last try failed
  store_.reset();
  Status status = OpenStore();
  if (status.ok()) status = ledger_->StoreRecovered(store_->LatestSequence());
  if (!status.ok()) {  // the gate stays shut; tried again later
    store_.reset();
    CountFault("reopen", status);
    return false;
  }
  store_faulty_ = false;
  in_fault_ = false;
  store_gate_.Open();
  Log(LogLevel::kInfo, "the store is serving again");
  return true;
}

Status CacheCore::OpenLedger() {
  LedgerOptions ledger;
  ledger.path = PathOf("invalidations");
  ledger.store_sequence = store_->LatestSequence();
  ledger.store_has_rows = ledger.store_sequence > 0;
  ledger.saved_number_bound = state_.number_bound;
  ledger.log = options_.log;
  ledger.files = internals_.journal_files;
  if (internals_.ledger_tags != 0) ledger.max_tags = internals_.ledger_tags;
  if (internals_.journal_room != 0) ledger.journal_room = internals_.journal_room;
  Result<std::unique_ptr<Ledger>> opened = Ledger::Open(ledger);
  if (!opened.ok()) return opened.status();
  ledger_ = *std::move(opened);
  flights_ = std::make_unique<FlightTable>(*ledger_);
  reaper_ledger_.store(ledger_.get(), std::memory_order_release);
  return Status::Ok();
}

// Moved aside, not deleted; only the newest is kept.
Status CacheCore::Quarantine(const Status& why) {
  std::error_code error;
  fs::remove_all(PathOf("quarantine"), error);
  fs::create_directory(PathOf("quarantine"), error);
  fs::rename(PathOf("store"), PathOf("quarantine/store"), error);
  if (error) return why.WithContext("quarantine failed (" + error.message() + ")");
  Log(LogLevel::kError,
      "the store cannot be read and was moved to quarantine/, starting empty: " + why.ToString());
  return Status::Ok();
}

void CacheCore::RunSteward() {
  int periods = 0;
  int pause = 1;  // between healings, so that one that does not last is not repeated at once
  int next_healing = 0;
  std::unique_lock lock(steward_mutex_);
  while (!steward_wakes_.wait_for(lock, kStewardPeriod, [this] { return steward_stops_; })) {
    lock.unlock();
    clock_->Tick();
    if (Status status = ledger_->RetryUnwritten(); !status.ok()) CountFault("journal", status);
    if (store_faulty_ && periods >= next_healing && HealStore()) {
      next_healing = periods + pause;
      pause = std::min(2 * pause, kLongestPause);
    } else if (periods > next_healing + kLongestPause) {
      pause = 1;
    }
    if (++periods % kPeriodsBetweenSaves == 0) static_cast<void>(SaveState());
    lock.lock();
  }
}

Status CacheCore::SaveState() {
  const std::lock_guard lock(state_mutex_);
  state_.anchor = clock_->Save();
  state_.counters = counters_.Read();
  state_.number_bound = ledger_->NumberBound();
  const Status status = WriteState(PathOf("state"), state_);
  if (!status.ok()) CountFault("save state", status);
  return status;
}

Status CacheCore::Sync() {
  const Gate::Pass pass = store_gate_.Enter();
  if (!pass) return {StatusCode::kUnavailable, "the store is closed"};
  return store_->Sync();
}

Status CacheCore::CompactAll() {
  const Gate::Pass pass = store_gate_.Enter();
  if (!pass) return {StatusCode::kUnavailable, "the cache is closed"};
  if (Status status = store_->Flush(); !status.ok()) return status;
  return store_->CompactAll();
}

Status CacheCore::Close() {
  if (!calls_.Shut()) return Status::Ok();
  if (steward_.joinable()) {
    {
      const std::lock_guard lock(steward_mutex_);
      steward_stops_ = true;
    }
    steward_wakes_.notify_all();
    steward_.join();
  }
  store_gate_.Shut();
  if (ledger_ == nullptr) {  // never fully opened
    store_.reset();
    return Status::Ok();
  }
  for (const std::shared_ptr<FlightState>& flight : flights_->Open()) {
    flight->End({std::nullopt, {StatusCode::kCancelled, "the cache is closed"}});
  }
  const Status status = ledger_->RetryUnwritten();
  store_.reset();
  const Status saved = SaveState();
  ::flock(directory_fd_, LOCK_UN);
  return status.ok() ? saved : status;
}

Stats CacheCore::GetStats() const {
  Stats stats;
  counters_.Fill(stats);
  stats.uptime = system_clock_.SinceBoot() - opened_;
  stats.hot_entries = hot_tier_->entries();
  stats.hot_bytes = hot_tier_->bytes();
  stats.ledger_tags = ledger_->tag_count();
  stats.memory_bytes = stats.hot_bytes + ledger_->memory_bytes();
  stats.disk_bytes = DirectorySize(options_.directory);
  const Gate::Pass pass = store_gate_.Enter();
  if (!pass) return stats;
  stats.entries = store_->EstimatedRows();
  stats.memory_bytes += store_->MemoryBytes();
  return stats;
}

void CacheCore::Log(LogLevel level, std::string_view line) const {
  if (options_.log) options_.log(level, line);
}

// RocksDB takes no writes any more: the steward opens the store anew.
void CacheCore::CountWriteFault(const Status& status) {
  store_faulty_ = true;
  CountFault("write", status);
}

// Counted every time, logged once an episode: until a write succeeds again.
void CacheCore::CountFault(std::string_view what, const Status& status) {
  counters_.Add(Counter::kStoreFaults);
  if (in_fault_.exchange(true, std::memory_order_relaxed)) return;
  Log(LogLevel::kError, "store fault: " + std::string(what) + ": " + status.ToString());
}

}  // namespace larder
