#include "response_cache.h"

#include <mutex>
#include <utility>

#include "crowd.h"
#include "packing.h"

namespace larder::client {
namespace {

// The first pieces of a flight; the body's follow.
constexpr std::size_t kOpeningPiece = 0;
constexpr std::size_t kHeadPiece = 1;
constexpr std::size_t kFirstBodyPiece = 2;

// Pieces live within one process, hence no version.
SharedBytes PackOpening(const FlightOpening& opening, std::uint64_t crowd) {
  std::string out;
  PackNumber(crowd, out);
  PackNumber(opening.stream ? 1 : 0, out);
  PackNumber(opening.wants_usage ? 1 : 0, out);
  PackNumber(opening.batch, out);
  PackNumber(opening.credentials, out);
  return SharedBytes(std::move(out));
}

FlightOpening UnpackOpening(std::string_view bytes) {
  Unpacker in(bytes);
  in.Number();  // the crowd
  FlightOpening opening;
  opening.stream = in.Number() != 0;
  opening.wants_usage = in.Number() != 0;
  opening.batch = in.Number();
  opening.credentials = in.Number();
  return opening;
}

std::shared_ptr<Crowd> CrowdOf(std::string_view opening) {
  return Crowd::Find(Unpacker(opening).Number());
}

SharedBytes PackHead(const FlightHead& head) {
  std::string out;
  PackNumber(static_cast<std::uint64_t>(head.kind), out);
  PackNumber(static_cast<std::uint64_t>(head.status), out);
  for (const Header& field : head.headers) {
    PackString(field.name, out);
    PackString(field.value, out);
  }
  return SharedBytes(std::move(out));
}

FlightHead UnpackHead(std::string_view bytes) {
  Unpacker in(bytes);
  FlightHead head;
  head.kind = static_cast<AnswerKind>(in.Number());
  head.status = static_cast<int>(in.Number());
  while (!in.failed() && !in.finished()) {
    std::string name(in.String());
    std::string value(in.String());
    head.headers.Add(std::move(name), std::move(value));
  }
  return head;
}

// nullopt: stored in a format that this version does not know.
std::optional<CachedResponse> FromEntry(const Cache& cache, const Entry& entry, bool stale) {
  std::optional<StoredResponse> info = DecodeStoredResponse(entry.metadata());
  if (!info) return std::nullopt;
  const std::optional<ByteRange>& usage = info->usage_event;
  const std::size_t size = entry.body().size();
  if (usage && (usage->from > size || usage->count > size - usage->from)) return std::nullopt;
  CachedResponse response;
  response.info = *std::move(info);
  response.body = entry.shared_body();
  response.stale = stale;
  const TimePoint now = cache.Now();
  response.age = std::max(now - entry.created(), Duration(0));
  if (entry.fresh_until() != kNever) response.ttl = entry.fresh_until() - now;
  response.stale_while_revalidate = entry.stale_while_revalidate();
  response.cost_microusd = entry.cost_microusd();
  response.compute_time = entry.compute_time();
  response.number = entry.number();
  return response;
}

// A follower's seat, taken when it is known in which crowd.
class SeatHolder {
 public:
  void Take(Crowd::Seat seat) {
    const std::lock_guard lock(mutex_);
    seat_ = std::move(seat);
  }

 private:
  std::mutex mutex_;
  Crowd::Seat seat_;  // guarded by mutex_
};

// Lives as long as its caller is interested.
class EngineFlight final : public ResponseFlight {
 public:
  EngineFlight(const Cache& cache, Flight flight) : cache_(cache), flight_(std::move(flight)) {
    flight_.OnPiece(kOpeningPiece,
                    [holder = std::weak_ptr(holder_)](const std::optional<SharedBytes>& piece) {
                      const std::shared_ptr<Crowd> crowd = piece ? CrowdOf(piece->view()) : nullptr;
                      const std::shared_ptr<SeatHolder> taker = holder.lock();
                      if (crowd != nullptr && taker != nullptr) taker->Take(crowd->Join());
                    });
  }

  std::uint64_t number() const override { return flight_.number(); }
  MissReason reason() const override { return flight_.reason(); }

  void OnOpening(std::function<void(std::optional<FlightOpening>)> callback) const override {
    flight_.OnPiece(kOpeningPiece,
                    [callback = std::move(callback)](const std::optional<SharedBytes>& piece) {
                      if (!piece) return callback(std::nullopt);
                      callback(UnpackOpening(piece->view()));
                    });
  }

  void OnHead(std::function<void(std::optional<FlightHead>)> callback) const override {
    flight_.OnPiece(kHeadPiece,
                    [callback = std::move(callback)](const std::optional<SharedBytes>& piece) {
                      if (!piece) return callback(std::nullopt);
                      callback(UnpackHead(piece->view()));
                    });
  }

  void OnBody(std::size_t index,
              std::function<void(std::optional<SharedBytes>)> callback) const override {
    flight_.OnPiece(kFirstBodyPiece + index, std::move(callback));
  }

  void OnEnd(std::function<void(FlightOutcome)> callback) const override {
    flight_.OnEnd([&cache = cache_, callback = std::move(callback)](const FlightEnd& end) {
      FlightOutcome outcome;
      outcome.status = end.status;
      if (end.entry) outcome.response = FromEntry(cache, *end.entry, /*stale=*/false);
      callback(std::move(outcome));
    });
  }

  void OnWritten(std::function<void(bool)> callback) const override {
    flight_.OnWritten([callback = std::move(callback)](PutOutcome outcome) {
      callback(outcome == PutOutcome::kStored);
    });
  }

 private:
  const Cache& cache_;
  const Flight flight_;
  const std::shared_ptr<SeatHolder> holder_ = std::make_shared<SeatHolder>();
};

class EngineLease final : public ResponseLease {
 public:
  EngineLease(const Cache& cache, Lease lease, const FlightOpening& opening)
      : cache_(cache), lease_(std::move(lease)) {
    lease_.Append(PackOpening(opening, crowd_->number()));
  }

  std::shared_ptr<const ResponseFlight> Follow() const override {
    return std::make_shared<EngineFlight>(cache_, lease_.Follow());
  }
  void OnDeserted(std::function<void()> callback) override {
    crowd_->OnDeserted(std::move(callback));
  }
  void AppendHead(const FlightHead& head) override { lease_.Append(PackHead(head)); }
  void AppendBody(SharedBytes piece) override { lease_.Append(std::move(piece)); }

  void Commit(const StoredResponse& response, std::string_view body,
              const WriteOptions& options) override {
    WriteOptions all = options;
    all.metadata = EncodeStoredResponse(response);
    // The engine counts what it could not store.
    static_cast<void>(lease_.CommitInBackground(body, all));
  }
  void End() override {
    WriteOptions options;
    options.ttl = Duration(0);
    static_cast<void>(lease_.Commit({}, options));
  }
  void Fail(Status status) override { lease_.Abandon(std::move(status)); }

 private:
  const Cache& cache_;
  Lease lease_;
  const std::shared_ptr<Crowd> crowd_ = Crowd::Make();
};

class EngineCache final : public ResponseCache {
 public:
  explicit EngineCache(Cache& cache) : cache_(cache) {}

  std::optional<CachedResponse> GetInMemory(std::string_view key,
                                            const ReadOptions& options) override {
    return FromHit(cache_.GetInMemory(key, options));
  }
  std::optional<CachedResponse> Get(std::string_view key, const ReadOptions& options) override {
    return FromHit(cache_.Get(key, options));
  }

  ResponseAcquired Acquire(std::string_view key, const ReadOptions& options,
                           const FlightOpening& opening) override {
    return *Take(options, opening, [&](const ReadOptions& read) {
      return std::optional<Acquired>(cache_.Acquire(key, read));
    });
  }
  std::optional<ResponseAcquired> AcquireInMemory(std::string_view key, const ReadOptions& options,
                                                  const FlightOpening& opening) override {
    return Take(options, opening,
                [&](const ReadOptions& read) { return cache_.AcquireInMemory(key, read); });
  }

  Result<std::uint64_t> Invalidate(const std::vector<std::string>& tags) override {
    Invalidation what;
    what.tags = tags;
    return cache_.Invalidate(what);
  }
  void PutNote(std::string_view key, std::string_view text) override {
    WriteOptions options;
    options.ttl = kForever;
    static_cast<void>(cache_.Put(key, text, options));
  }
  Result<std::vector<Note>> Notes(std::string_view prefix) override {
    std::vector<Note> notes;
    ScanOptions scan{.prefix = std::string(prefix), .bodies = true};
    while (true) {
      const Result<ScanPage> page = cache_.Scan(scan);
      if (!page.ok()) return page.status();
      for (const ScanItem& item : page->items) {
        notes.push_back({item.key, std::string(item.entry.body())});
      }
      if (page->cursor.empty()) return notes;
      scan.cursor = page->cursor;
    }
  }
  std::string Explain(std::string_view key, const ReadOptions& options) override {
    return cache_.Explain(key, options).ToString();
  }
  std::string_view StoreSecret() const override { return cache_.StoreSecret(); }
  TimePoint Now() const override { return cache_.Now(); }

 private:
  // What `acquire` gives, as responses; nothing if that is nothing.
  template <typename Acquire>
  std::optional<ResponseAcquired> Take(ReadOptions read, const FlightOpening& opening,
                                       const Acquire& acquire) {
    while (true) {
      std::optional<Acquired> acquired = acquire(read);
      if (!acquired) return std::nullopt;
      if (auto* lease = std::get_if<Lease>(&*acquired)) {
        return std::make_unique<EngineLease>(cache_, std::move(*lease), opening);
      }
      if (auto* flight = std::get_if<Flight>(&*acquired)) {
        return std::make_shared<const EngineFlight>(cache_, std::move(*flight));
      }
      if (auto* stale = std::get_if<StaleHit>(&*acquired)) {
        auto response = FromEntry(cache_, stale->hit.entry, stale->hit.stale);
        auto lease = std::make_unique<EngineLease>(cache_, std::move(stale->lease), opening);
        if (response) return StaleResponse{*std::move(response), std::move(lease)};
        return lease;  // not ours to read: a miss, which replaces it
      }
      const Hit& hit = std::get<Hit>(*acquired);
      if (auto response = FromEntry(cache_, hit.entry, hit.stale)) return *std::move(response);
      read.newer_than = hit.entry.number();  // not ours to read: a miss, which replaces it
    }
  }

  std::optional<CachedResponse> FromHit(const std::optional<Hit>& hit) const {
    if (!hit) return std::nullopt;
    return FromEntry(cache_, hit->entry, hit->stale);
  }

  Cache& cache_;
};

}  // namespace

std::unique_ptr<ResponseCache> MakeResponseCache(Cache& cache) {
  return std::make_unique<EngineCache>(cache);
}

}  // namespace larder::client
