#include "larder/cache.h"

#include <utility>

#include "cache_core.h"
#include "guarded.h"
#include "time_left.h"

namespace larder {

Result<Computed> RunLoader(const Loader& loader) {
  try {
    return loader();
  } catch (...) {
    return FromCurrentException("the loader");
  }
}

Status FailureOf(const Result<Computed>& computed) {
  try {
    return computed.status();
  } catch (...) {  // no memory for its text
    return {StatusCode::kInternal, "out of memory"};
  }
}

namespace {

// What users hold: keeps the core, closes it at the end. Leases hold the core weakly.
class SharedCache final : public Cache {
 public:
  explicit SharedCache(std::shared_ptr<CacheCore> core) : core_(std::move(core)) {}
  ~SharedCache() override { static_cast<void>(Close()); }

  Acquired Acquire(std::string_view key, const ReadOptions& options) override {
    return AcquireGuarded(key, options, options.stale_window);
  }
  std::optional<Acquired> AcquireInMemory(std::string_view key,
                                          const ReadOptions& options) override {
    try {
      return core_->AcquireInMemory(key, options);
    } catch (...) {
      return std::nullopt;
    }
  }
  std::optional<Hit> GetInMemory(std::string_view key, const ReadOptions& options) override {
    return GuardedRead([&] { return core_->GetInMemory(key, options); });
  }
  std::optional<Hit> Get(std::string_view key, const ReadOptions& options) override {
    return GuardedRead([&] { return core_->Get(key, options); });
  }
  std::optional<Hit> Peek(std::string_view key, const ReadOptions& options) override {
    return GuardedRead([&] { return core_->Peek(key, options); });
  }
  std::vector<std::optional<Hit>> MultiGet(std::span<const std::string_view> keys,
                                           const ReadOptions& options) override {
    try {
      return core_->MultiGet(keys, options);
    } catch (...) {
      return std::vector<std::optional<Hit>>(keys.size());
    }
  }
  Result<Entry> GetOrCompute(std::string_view key, const ReadOptions& options,
                             const Loader& loader) override;
  Result<PutOutcome> Put(std::string_view key, std::string_view body,
                         const WriteOptions& options) override {
    return Guarded([&] { return core_->Put(key, body, options); });
  }
  Status Remove(std::string_view key) override {
    return Guarded([&] { return core_->Remove(key); });
  }
  std::vector<Result<PutOutcome>> MultiPut(std::span<const PutRequest> puts) override {
    try {
      return core_->MultiPut(puts);
    } catch (...) {
      return {puts.size(), FromCurrentException("the engine")};
    }
  }
  Status Touch(std::string_view key, Duration ttl) override {
    return Guarded([&] { return core_->Touch(key, ttl); });
  }
  Result<std::uint64_t> Invalidate(const Invalidation& what) override {
    return Guarded([&] { return core_->Invalidate({&what, 1}); });
  }
  Result<std::uint64_t> MultiInvalidate(std::span<const Invalidation> what) override {
    return Guarded([&] { return core_->Invalidate(what); });
  }
  Result<ScanPage> Scan(const ScanOptions& options) override {
    return Guarded([&] { return core_->Scan(options); });
  }
  Explanation Explain(std::string_view key, const ReadOptions& options) override {
    try {
      return core_->Explain(key, options);
    } catch (...) {
      return {.why = Why::kUnreachable};
    }
  }
  Status Sync() override {
    return Guarded([&] { return core_->Sync(); });
  }
  Status Compact(const CompactProgress& progress) override {
    return Guarded([&] { return core_->CompactAll(progress); });
  }
  Result<std::vector<DictionaryInfo>> Dictionaries() override {
    return Guarded([&] { return core_->Dictionaries(); });
  }
  Result<DictionaryTraining> TrainDictionary() override {
    return Guarded([&] { return core_->TrainNow(); });
  }
  Status Change(const OptionsChange& change) override {
    return Guarded([&] { return core_->Change(change); });
  }
  Status Close() override {
    return Guarded([&] { return core_->Close(); });
  }
  Result<BackupInfo> Backup(const BackupOptions& options) override {
    return Guarded([&] { return core_->Backup(options); });
  }
  Result<std::uint64_t> Export(const ExportSink& sink) override {
    return Guarded([&] { return core_->Export(sink); });
  }
  Result<ImportReport> Import(const ImportSource& source) override {
    return Guarded([&] { return core_->Import(source); });
  }
  Stats GetStats() const override {
    try {
      return core_->GetStats();
    } catch (...) {
      return {};
    }
  }
  Health GetHealth() const override {
    try {
      return core_->GetHealth();
    } catch (...) {  // no memory for its text
      return {};
    }
  }
  TimePoint Now() const override { return core_->Now(); }
  std::string_view StoreSecret() const override { return core_->StoreSecret(); }

 private:
  Acquired AcquireGuarded(std::string_view key, const ReadOptions& options, StaleWindow window) {
    try {
      return core_->Acquire(key, options, window);
    } catch (...) {
      return core_->AcquireUnstored(key);
    }
  }
  Result<Entry> StaleOr(std::string_view key, const ReadOptions& options, Status failure);
  void Refresh(Lease lease, const Loader& loader) const;

  const std::shared_ptr<CacheCore> core_;
};

Result<Entry> SharedCache::GetOrCompute(std::string_view key, const ReadOptions& options,
                                        const Loader& loader) {
  const TimeLeft left(options.max_wait);
  // Without an executor nobody would compute anew what is served stale.
  const StaleWindow window =
      core_->HasExecutor() ? StaleWindow::kWhileRevalidate : StaleWindow::kNone;
  while (true) {
    Acquired acquired = AcquireGuarded(key, options, window);
    if (Hit* hit = std::get_if<Hit>(&acquired)) return std::move(hit->entry);
    if (StaleHit* stale = std::get_if<StaleHit>(&acquired)) {
      Refresh(std::move(stale->lease), loader);
      return std::move(stale->hit.entry);
    }
    if (Lease* lease = std::get_if<Lease>(&acquired)) {
      Result<Computed> computed = RunLoader(loader);
      if (computed.ok()) {
        return Guarded([&]() -> Result<Entry> {
          return lease->CommitInBackground(computed->body, computed->options);
        });
      }
      lease->Abandon(FailureOf(computed));
      return StaleOr(key, options, FailureOf(computed));
    }
    FlightEnd end = std::get<Flight>(acquired).Wait(left(), options.stop);
    if (end.entry.has_value()) return *std::move(end.entry);
    // Computing has not failed: this caller has given up.
    if (options.stop.stop_requested() || left() == Duration::zero()) return std::move(end.status);
    // Given up by its leader, or overtaken by an invalidation: our turn.
    if (!end.acquire_again) return StaleOr(key, options, std::move(end.status));
  }
}

Result<Entry> SharedCache::StaleOr(std::string_view key, const ReadOptions& options,
                                   Status failure) {
  std::optional<Hit> hit = GuardedRead([&] { return core_->GetIfError(key, options); });
  if (hit.has_value()) return std::move(hit->entry);
  return failure;
}

// If the executor does not take it, or there is no memory for it, the lease is dropped, and the
// next reader's loader may try.
void SharedCache::Refresh(Lease lease, const Loader& loader) const {
  try {
    auto held = std::make_shared<Lease>(std::move(lease));
    static_cast<void>(core_->RunInBackground([held, loader] {
      const Result<Computed> computed = RunLoader(loader);
      if (!computed.ok()) return held->Abandon(FailureOf(computed));
      try {
        static_cast<void>(held->Commit(computed->body, computed->options));
      } catch (...) {  // NOLINT(bugprone-empty-catch): no memory; the followers have been told
      }
    }));
  } catch (...) {  // NOLINT(bugprone-empty-catch): the stale entry is served all the same
  }
}

}  // namespace

std::unique_ptr<Cache> MakeCache(std::shared_ptr<CacheCore> core) {
  return std::make_unique<SharedCache>(std::move(core));
}

Result<std::unique_ptr<Cache>> OpenCache(const Options& options, const CacheInternals& internals) {
  return Guarded([&]() -> Result<std::unique_ptr<Cache>> {
    Result<std::shared_ptr<CacheCore>> core = CacheCore::Open(options, internals);
    if (!core.ok()) return core.status();
    return MakeCache(*std::move(core));
  });
}

Result<std::unique_ptr<Cache>> Cache::Open(const Options& options) {
  return OpenCache(options, CacheInternals{});
}

}  // namespace larder
