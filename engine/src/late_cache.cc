#include "late_cache.h"

#include <sys/random.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "cache_clock.h"
#include "guarded.h"
#include "late_flights.h"
#include "observer_call.h"
#include "time_left.h"

namespace larder {
namespace {

// As the watchdog of an open cache.
constexpr std::chrono::milliseconds kWatchPeriod{200};

// If there are none to be had they are nobody's: all are equal then, but nothing is stored.
std::string RandomSecret() {
  std::string bytes(32, '\0');
  static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));
  return bytes;
}

// The options of a call on the cache that has opened: what was computed before is newer than all
// that it had then.
class Renumbered {
 public:
  Renumbered(const ReadOptions& options, const LateOpening& opening) : options_(options) {
    if (options.newer_than < LateFlights::kFirstNumber || options.newer_than == kRefresh) return;
    copy_ = options;
    copy_->newer_than = opening.opened_at();
  }
  operator const ReadOptions&() const { return copy_ ? *copy_ : options_; }  // NOLINT: for a call

 private:
  const ReadOptions& options_;
  std::optional<ReadOptions> copy_;
};

// What goes on beside the calls until the cache is open: deadlines are kept, and the observer is
// told of its health. Its thread shares it, so that an observer may destroy the cache.
class LateWatch {
 public:
  LateWatch(const Options& options, const Clock& clock, std::shared_ptr<LateOpening> opening)
      : observer_(options.observer),
        opening_(std::move(opening)),
        flights_(clock,
                 options.executor ? std::make_shared<const Executor>(options.executor) : nullptr) {}

  LateFlights& flights() { return flights_; }
  template <typename Call>
  void Tell(const Call& call) const;
  // Whether this thread is in an observer's callback.
  bool IsTelling() const { return ObserverCall::IsUnderway(this); }

  // Until all that began before there was a cache has ended.
  void Run();
  void Stop();
  Health GetHealth() const;

 private:
  void Watch();

  Observer* const observer_;
  const std::shared_ptr<LateOpening> opening_;
  LateFlights flights_;
  Health told_health_;  // the thread's alone
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;  // guarded by mutex_
};

class LateCache final : public Cache {
 public:
  LateCache(const Options& options, std::shared_ptr<LateOpening> opening)
      : system_clock_(options.clock != nullptr ? *options.clock : Clock::System()),
        clock_(system_clock_, {}),
        made_(system_clock_.SinceBoot()),
        opening_(std::move(opening)),
        watch_(std::make_shared<LateWatch>(options, system_clock_, opening_)) {}
  ~LateCache() override {
    static_cast<void>(Close());
    if (thread_.joinable()) thread_.detach();  // destroyed by the observer that it calls
    opening_->Leave();
  }

  // Errors: kUnavailable.
  Status StartWatch();

  Acquired Acquire(std::string_view key, const ReadOptions& options) override {
    if (opening_->cache() == nullptr) {
      if (std::optional<Acquired> acquired = AcquireLate(key, options)) return *std::move(acquired);
    }
    try {
      return opening_->cache()->Acquire(key, Renumbered(options, *opening_));
    } catch (...) {  // no memory for the options
      return Lease(nullptr);
    }
  }
  std::optional<Acquired> AcquireInMemory(std::string_view key,
                                          const ReadOptions& options) override {
    if (opening_->cache() == nullptr) {
      if (std::optional<Acquired> acquired = AcquireLate(key, options)) return acquired;
    }
    try {
      return opening_->cache()->AcquireInMemory(key, Renumbered(options, *opening_));
    } catch (...) {
      return std::nullopt;
    }
  }
  std::optional<Hit> GetInMemory(std::string_view key, const ReadOptions& options) override {
    if (opening_->cache() == nullptr) return std::nullopt;
    return GuardedRead(
        [&] { return opening_->cache()->GetInMemory(key, Renumbered(options, *opening_)); });
  }
  std::optional<Hit> Get(std::string_view key, const ReadOptions& options) override {
    if (opening_->cache() == nullptr) {
      CountMiss(key);
      return std::nullopt;
    }
    return GuardedRead([&] { return opening_->cache()->Get(key, Renumbered(options, *opening_)); });
  }
  std::optional<Hit> Peek(std::string_view key, const ReadOptions& options) override {
    if (opening_->cache() == nullptr) return std::nullopt;
    return GuardedRead(
        [&] { return opening_->cache()->Peek(key, Renumbered(options, *opening_)); });
  }
  std::vector<std::optional<Hit>> MultiGet(std::span<const std::string_view> keys,
                                           const ReadOptions& options) override {
    if (opening_->cache() == nullptr) {
      for (const std::string_view key : keys) CountMiss(key);
      return std::vector<std::optional<Hit>>(keys.size());
    }
    try {
      return opening_->cache()->MultiGet(keys, Renumbered(options, *opening_));
    } catch (...) {
      return std::vector<std::optional<Hit>>(keys.size());
    }
  }
  Result<Entry> GetOrCompute(std::string_view key, const ReadOptions& options,
                             const Loader& loader) override;
  Result<PutOutcome> Put(std::string_view key, std::string_view body,
                         const WriteOptions& options) override {
    if (Cache* cache = opening_->cache()) return cache->Put(key, body, options);
    return NotOpen();
  }
  std::vector<Result<PutOutcome>> MultiPut(std::span<const PutRequest> puts) override {
    if (Cache* cache = opening_->cache()) return cache->MultiPut(puts);
    return {puts.size(), NotOpen()};
  }
  Status Touch(std::string_view key, Duration ttl) override {
    if (Cache* cache = opening_->cache()) return cache->Touch(key, ttl);
    return NotOpen();
  }
  Status Remove(std::string_view key) override {
    if (Cache* cache = opening_->cache()) return cache->Remove(key);
    return CannotInvalidate();
  }
  Result<std::uint64_t> Invalidate(const Invalidation& what) override {
    if (Cache* cache = opening_->cache()) return cache->Invalidate(what);
    return CannotInvalidate();
  }
  Result<std::uint64_t> MultiInvalidate(std::span<const Invalidation> what) override {
    if (Cache* cache = opening_->cache()) return cache->MultiInvalidate(what);
    return CannotInvalidate();
  }
  Result<ScanPage> Scan(const ScanOptions& options) override {
    if (Cache* cache = opening_->cache()) return cache->Scan(options);
    return NotOpen();
  }
  Explanation Explain(std::string_view key, const ReadOptions& options) override {
    if (Cache* cache = opening_->cache()) return cache->Explain(key, options);
    return {.why = Why::kUnreachable};
  }
  Status Sync() override {
    if (Cache* cache = opening_->cache()) return cache->Sync();
    return NotOpen();
  }
  Status Compact(const CompactProgress& progress) override {
    if (Cache* cache = opening_->cache()) return cache->Compact(progress);
    return NotOpen();
  }
  Result<std::vector<DictionaryInfo>> Dictionaries() override {
    if (Cache* cache = opening_->cache()) return cache->Dictionaries();
    return NotOpen();
  }
  Result<DictionaryTraining> TrainDictionary() override {
    if (Cache* cache = opening_->cache()) return cache->TrainDictionary();
    return NotOpen();
  }
  Status Change(const OptionsChange& change) override {
    return Guarded([&] { return opening_->Change(change); });
  }
  Result<BackupInfo> Backup(const BackupOptions& options) override {
    if (Cache* cache = opening_->cache()) return cache->Backup(options);
    return NotOpen();
  }
  Result<std::uint64_t> Export(const ExportSink& sink) override {
    if (Cache* cache = opening_->cache()) return cache->Export(sink);
    return NotOpen();
  }
  Result<ImportReport> Import(const ImportSource& source) override {
    if (Cache* cache = opening_->cache()) return cache->Import(source);
    return NotOpen();
  }
  Status Close() override;
  Stats GetStats() const override;
  Health GetHealth() const override { return watch_->GetHealth(); }
  TimePoint Now() const override {
    if (const Cache* cache = opening_->cache()) return cache->Now();
    return clock_.Now();
  }
  std::string_view StoreSecret() const override {
    if (const Cache* cache = opening_->cache()) return cache->StoreSecret();
    return secret_;
  }

 private:
  // Nothing: it has opened meanwhile.
  std::optional<Acquired> AcquireLate(std::string_view key, const ReadOptions& options);
  Result<Entry> StaleOr(std::string_view key, const ReadOptions& options, Status failure);
  void CountMiss(std::string_view key);
  Status NotOpen() const;
  Status CannotInvalidate();

  const Clock& system_clock_;
  const CacheClock clock_;
  const Duration made_;
  const std::string secret_ = RandomSecret();
  const std::shared_ptr<LateOpening> opening_;
  const std::shared_ptr<LateWatch> watch_;

  std::mutex thread_mutex_;
  std::thread thread_;  // guarded by thread_mutex_; runs the watch, never touches the disk
};

template <typename Call>
void LateWatch::Tell(const Call& call) const {
  if (observer_ == nullptr) return;
  const ObserverCall underway(this);
  try {
    call(*observer_);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the observer's own affair
  }
}

void LateCache::CountMiss(std::string_view key) {
  opening_->counters().Add(Counter::kMissesFault);
  watch_->Tell([&](Observer& o) { o.OnMiss(key, MissReason::kFault); });
}

Status LateCache::NotOpen() const {
  return Guarded([&]() -> Status {
    if (opening_->is_closing()) return {StatusCode::kUnavailable, "the cache is closed"};
    return {StatusCode::kUnavailable, "the cache is not open yet: " + opening_->health().detail};
  });
}

// It may cover what is being computed: nobody who comes from now on gets that.
Status LateCache::CannotInvalidate() {
  return Guarded([&] {
    watch_->flights().Detach();
    return NotOpen();
  });
}

std::optional<Acquired> LateCache::AcquireLate(std::string_view key, const ReadOptions& options) {
  try {
    LateFlights& flights = watch_->flights();
    Status status = CheckKey(key);
    if (status.ok()) status = CheckTags(options.tags);
    if (status.ok() && opening_->is_closing()) status = NotOpen();
    if (!status.ok()) {
      Lease lone = flights.AcquireAlone(key, std::move(status));
      if (opening_->cache() != nullptr) return std::nullopt;
      CountMiss(key);
      return lone;
    }
    Acquired acquired = flights.Acquire(key, options);
    // The watch may have ended before this came; who has joined it meanwhile acquires again, too.
    if (opening_->cache() != nullptr) return std::nullopt;
    if (std::holds_alternative<Flight>(acquired)) {
      opening_->counters().Add(Counter::kCoalesced);
      return acquired;
    }
    if (opening_->is_closing()) flights.End();  // Close may have come just before it
    CountMiss(key);
    return acquired;
  } catch (...) {  // no memory
    return Lease(nullptr);
  }
}

Result<Entry> LateCache::GetOrCompute(std::string_view key, const ReadOptions& options,
                                      const Loader& loader) {
  const TimeLeft left(options.max_wait);
  while (true) {
    if (Cache* cache = opening_->cache()) {
      return Guarded([&] {
        ReadOptions rest = options;
        rest.max_wait = left();
        return cache->GetOrCompute(key, Renumbered(rest, *opening_), loader);
      });
    }
    std::optional<Acquired> acquired = AcquireLate(key, options);
    if (!acquired.has_value()) continue;
    if (Lease* lease = std::get_if<Lease>(&*acquired)) {
      Result<Computed> computed = RunLoader(loader);
      if (computed.ok()) {
        return Guarded([&]() -> Result<Entry> {
          return lease->Commit(computed->body, computed->options).entry;
        });
      }
      lease->Abandon(FailureOf(computed));
      return StaleOr(key, options, FailureOf(computed));
    }
    FlightEnd end = std::get<Flight>(*acquired).Wait(left(), options.stop);
    if (end.entry.has_value()) return *std::move(end.entry);
    // Computing has not failed: this caller has given up.
    const bool given_up = options.stop.stop_requested() || left() == Duration::zero();
    if (given_up) return std::move(end.status);
    if (!end.acquire_again) return StaleOr(key, options, std::move(end.status));
  }
}

// What the cache that has opened meanwhile may serve after computing failed. The miss has been
// counted, so it is looked for without a trace first.
Result<Entry> LateCache::StaleOr(std::string_view key, const ReadOptions& options, Status failure) {
  Cache* const cache = opening_->cache();
  if (cache == nullptr) return failure;
  std::optional<Hit> hit = GuardedRead([&] {
    ReadOptions asked = options;
    asked.stale_window = StaleWindow::kIfError;
    const Renumbered renumbered(asked, *opening_);
    std::optional<Hit> found = cache->Peek(key, renumbered);
    return found.has_value() ? cache->Get(key, renumbered) : found;
  });
  if (hit.has_value()) return std::move(hit->entry);
  return failure;
}

Stats LateCache::GetStats() const {
  try {
    if (const Cache* cache = opening_->cache()) return cache->GetStats();
    Stats stats;
    opening_->counters().Fill(stats);
    stats.health = opening_->health();
    stats.uptime = system_clock_.SinceBoot() - made_;
    return stats;
  } catch (...) {
    return {};
  }
}

Status LateCache::StartWatch() {
  try {
    thread_ = std::thread([watch = watch_] { watch->Run(); });
  } catch (const std::system_error& error) {
    return {StatusCode::kUnavailable, std::string("start a thread: ") + error.what()};
  }
  return Status::Ok();
}

void LateWatch::Run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kWatchPeriod, [this] { return stop_; })) {
    lock.unlock();
    bool done = false;
    try {
      done = opening_->cache() != nullptr && flights_.empty();
      Watch();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): no memory; later, then
    }
    if (done) return;
    lock.lock();
  }
}

void LateWatch::Stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  wake_.notify_all();
}

void LateWatch::Watch() {
  flights_.Sweep();
  if (observer_ == nullptr) return;
  const Health health = GetHealth();
  if (health.state == told_health_.state && health.reason == told_health_.reason) return;
  told_health_ = health;
  Tell([&](Observer& o) { o.OnHealth(health); });
}

Health LateWatch::GetHealth() const {
  try {
    if (const Cache* cache = opening_->cache()) return cache->GetHealth();
    return opening_->health();
  } catch (...) {  // no memory for its text
    Health health;
    health.state = HealthState::kReopening;
    health.reads = health.writes = false;
    return health;
  }
}

// From an observer's callback it cannot wait for the thread that may be calling.
Status LateCache::Close() {
  opening_->Shut();
  watch_->flights().End();
  watch_->Stop();
  if (watch_->IsTelling()) {
    if (Cache* cache = opening_->cache()) return cache->Close();
    return {StatusCode::kUnavailable, "closing goes on when the observer has returned"};
  }
  std::thread thread;
  {
    const std::lock_guard lock(thread_mutex_);
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
  return Guarded([&] { return opening_->Close(); });
}

}  // namespace

Result<std::unique_ptr<Cache>> OpenCacheLate(const Options& options,
                                             const CacheInternals& internals,
                                             const LateTiming& timing) {
  return Guarded([&]() -> Result<std::unique_ptr<Cache>> {
    if (Status status = options.Validate(); !status.ok()) return status;
    auto opening = std::make_shared<LateOpening>(options, internals, timing);
    auto late = std::make_unique<LateCache>(options, opening);
    if (auto first = opening->Begin()) return *std::move(first);
    if (Status status = late->StartWatch(); !status.ok()) return status;
    return std::unique_ptr<Cache>(std::move(late));
  });
}

Result<std::unique_ptr<Cache>> OpenLate(const Options& options,
                                        std::chrono::milliseconds patience) {
  return OpenCacheLate(options, CacheInternals{}, {.patience = patience});
}

}  // namespace larder
