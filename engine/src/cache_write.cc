// The write path: leases, puts, removals and invalidations.
#include <algorithm>
#include <utility>

#include "cache_draft.h"
#include "kill_point.h"

namespace larder {
namespace {

// Between 0 and 1, a function of the key.
double Spread(std::string_view key) {
  constexpr double kRange = 4294967296.0;
  return static_cast<double>(HotTier::HashKey(key) >> 32) / kRange;
}

// On its way to the store a value takes three or four times its size. Small ones, of which there
// are no more than there are threads, do not matter.
constexpr std::uint64_t kLarge = std::uint64_t{64} << 10;
constexpr int kMostMsInFlight = 10;

}  // namespace

Status CheckKey(std::string_view key) {
  if (!key.empty() && key.size() <= kMaxKeyBytes) return Status::Ok();
  return {StatusCode::kInvalidArgument, "key of " + std::to_string(key.size()) +
                                            " bytes is not within 1 and " +
                                            std::to_string(kMaxKeyBytes)};
}

Status CheckTags(const std::vector<std::string>& tags, std::size_t most) {
  if (tags.size() > most) {
    return {StatusCode::kInvalidArgument,
            std::to_string(tags.size()) + " tags are over " + std::to_string(most)};
  }
  for (const std::string& tag : tags) {
    if (tag.empty() || tag.size() > kMaxTagBytes) {
      return {StatusCode::kInvalidArgument, "tag of " + std::to_string(tag.size()) +
                                                " bytes is not within 1 and " +
                                                std::to_string(kMaxTagBytes)};
    }
  }
  return Status::Ok();
}

Status CheckPrefixes(const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    if (prefix.empty() || prefix.size() > kMaxKeyBytes) {
      return {StatusCode::kInvalidArgument, "prefix of " + std::to_string(prefix.size()) +
                                                " bytes is not within 1 and " +
                                                std::to_string(kMaxKeyBytes)};
    }
  }
  return Status::Ok();
}

Status CacheCore::CheckWrite(std::string_view key, std::string_view body,
                             const WriteOptions& options) const {
  if (Status status = CheckKey(key); !status.ok()) return status;
  if (Status status = CheckTags(options.tags); !status.ok()) return status;
  if (options.metadata.size() > kMaxMetadataBytes) {
    return {StatusCode::kInvalidArgument, "metadata of " + std::to_string(options.metadata.size()) +
                                              " bytes is over " +
                                              std::to_string(kMaxMetadataBytes)};
  }
  for (const auto& duration : {options.ttl, options.stale_while_revalidate, options.stale_if_error,
                               options.compute_time}) {
    if (duration.has_value() && *duration < Duration::zero()) {
      return {StatusCode::kInvalidArgument,
              "a duration of " + std::to_string(duration->count()) + " ms is negative"};
    }
  }
  if (body.size() > options_.max_body_bytes) {
    return {StatusCode::kResourceExhausted, "body of " + std::to_string(body.size()) +
                                                " bytes is over max_body_bytes " +
                                                std::to_string(options_.max_body_bytes)};
  }
  return Status::Ok();
}

Duration CacheCore::TtlOf(std::string_view key, const WriteOptions& options) const {
  if (options.ttl.has_value()) return *options.ttl;
  if (options.negative) return live_.negative_ttl;
  const Duration default_ttl = live_.default_ttl;
  const double jitter = live_.ttl_jitter;
  if (default_ttl > kLongest || jitter == 0) return default_ttl;
  const double share = 1 - jitter * Spread(key);
  const auto ttl = static_cast<double>(default_ttl.count()) * share;
  return Duration(static_cast<std::int64_t>(ttl));
}

std::shared_ptr<EntryData> CacheCore::MakeEntry(std::string_view key, std::string_view body,
                                                const WriteOptions& options,
                                                const std::vector<std::string>& tags) const {
  auto entry = std::make_shared<EntryData>();
  entry->key_hash = HotTier::HashKey(key);
  entry->created = std::max(clock_->Adopted(), TimePoint{});
  entry->negative = options.negative;
  const auto window = [&options](std::optional<Duration> given, Duration otherwise) {
    if (options.negative) otherwise = Duration::zero();
    return std::min(given.value_or(otherwise), kLongest);
  };
  entry->stale_while_revalidate =
      window(options.stale_while_revalidate, live_.stale_while_revalidate);
  entry->stale_if_error = window(options.stale_if_error, live_.stale_if_error);
  const Duration ttl = TtlOf(key, options);
  if (ttl <= kLongest) {
    entry->fresh_until = entry->created + ttl;
    entry->expires =
        entry->fresh_until + std::max(entry->stale_while_revalidate, entry->stale_if_error);
  }
  entry->cost_microusd = options.cost_microusd;
  entry->compute_time = std::min(options.compute_time.value_or(Duration::zero()), kLongest);
  std::string encoded;
  for (const std::string& tag : tags) AppendTag(encoded, tag);
  char* out = FillEntry(*entry, options.metadata, encoded, static_cast<std::uint32_t>(tags.size()),
                        body.size());
  std::copy(body.begin(), body.end(), out);
  return entry;
}

// What stands at `key` against something with `number`, and how popular it was.
CacheCore::Precedence CacheCore::Compare(std::string_view key, std::uint64_t number,
                                         std::optional<Popularity>& popularity) {
  PinnedRow row;
  switch (supervisor_->Get(key, row)) {
    case ReadOutcome::kAbsent: return Precedence::kWrite;
    case ReadOutcome::kUnknown:
    case ReadOutcome::kFault: return Precedence::kFault;
    case ReadOutcome::kCorrupt: return Precedence::kCorrupt;
    case ReadOutcome::kFound: break;
  }
  RecordView record;
  switch (DecodeRecord(key, row.bytes(), record)) {
    case RecordState::kCorrupt: return Precedence::kCorrupt;
    // Written by another build, so before this one opened the store and gave out any lease.
    case RecordState::kUnknown: return Precedence::kWrite;
    case RecordState::kOk: break;
  }
  if (record.kind == RecordKind::kEntry) popularity = record.popularity;
  return record.number > number ? Precedence::kSuperseded : Precedence::kWrite;
}

// The caller holds the key's stripe. Null: nothing is against writing it.
std::optional<Result<PutOutcome>> CacheCore::Refuse(Draft& draft, Numbered numbered) {
  const EntryData& entry = *draft.entry;
  if (!ledger_->IsReserved(entry.number)) {
    return Status(StatusCode::kUnavailable, "the journal cannot be written");
  }
  // It would be stored only to be invalid at every read.
  if (!ledger_->Holds(draft.key, entry.number, entry.tag_hashes)) return PutOutcome::kSuperseded;
  switch (Compare(draft.key, entry.number, draft.replaced)) {
    case Precedence::kSuperseded: return PutOutcome::kSuperseded;
    case Precedence::kFault: return Status(StatusCode::kUnavailable, "the store could not be read");
    case Precedence::kCorrupt:
      // Possibly a removal; only a value that began after this moment may take its place.
      if (numbered == Numbered::kByLease) {
        static_cast<void>(WriteTombstone(draft.key, TombstoneCause::kCorrupt, nullptr));
        return PutOutcome::kSuperseded;
      }
      break;
    case Precedence::kWrite: break;
  }
  // After the look: what was newer and is gone went after this was raised.
  if (numbered == Numbered::kByLease && entry.number < oldest_writer_.load()) {
    return PutOutcome::kSuperseded;
  }
  return std::nullopt;
}

// The caller holds the key's stripe.
Result<PutOutcome> CacheCore::Finish(const Draft& draft, const Status& written) {
  if (!written.ok()) {
    hot_tier_->Erase(draft.key, draft.hash);
    const bool behind = written.code() == StatusCode::kDeadlineExceeded;
    return Status(behind ? StatusCode::kResourceExhausted : StatusCode::kUnavailable,
                  written.message());
  }
  const std::size_t stored = draft.key.size() + draft.record.size();
  draft.entry->stored_bytes.store(stored, std::memory_order_relaxed);
  if (internals_.hot_tier) hot_tier_->Insert(draft.key, draft.hash, draft.entry);
  flights_->NoteReplaced(draft.key, draft.hash, draft.entry->number);
  if (trainer_ != nullptr && codec_->level() != 0) trainer_->Note(draft.entry->body);
  counters_.Add(Counter::kStores);
  counters_.Add(Counter::kRawBytes, draft.entry->body.size());
  counters_.Add(Counter::kStoredBytes, stored);
  return PutOutcome::kStored;
}

Result<PutOutcome> CacheCore::Write(std::string_view key, const std::shared_ptr<EntryData>& entry,
                                    Numbered numbered, const Admission& admit) {
  Result<PutOutcome> outcome = WriteUntold(key, entry, numbered, admit);
  TellWritten(key, *entry, outcome);
  return outcome;
}

// After the key's stripe was given back.
void CacheCore::TellWritten(std::string_view key, const EntryData& entry,
                            const Result<PutOutcome>& outcome) {
  if (!outcome.ok() || *outcome != PutOutcome::kStored) {
    return CountRefused(key, outcome.ok() ? *outcome : PutOutcome::kNotStored, outcome.status());
  }
  Tell([&](Observer& o) {
    o.OnStored({.key = key,
                .number = entry.number,
                .raw_bytes = entry.body.size(),
                .stored_bytes = entry.stored_bytes.load(std::memory_order_relaxed),
                .cost_microusd = entry.cost_microusd,
                .compute_time = entry.compute_time});
  });
}

void CacheCore::CountRefused(std::string_view key, PutOutcome outcome, const Status& status) {
  const bool superseded = outcome == PutOutcome::kSuperseded;
  counters_.Add(superseded ? Counter::kSuperseded : Counter::kRefused);
  refusals_.Note(HotTier::HashKey(key), superseded    ? "something newer was there, or it was "
                                                        "invalidated while it was computed"
                                        : status.ok() ? "its ttl was 0"
                                                      : status.ToString());
  Tell([&](Observer& o) { o.OnRefused({.key = key, .outcome = outcome, .code = status.code()}); });
}

Status CacheCore::CheckRoom(std::size_t row_bytes, const SpaceBudget::Room& room) const {
  const std::uint64_t most = budget_.plan().most_row_bytes;
  if (row_bytes > most) {
    return {StatusCode::kResourceExhausted, "a row of " + std::to_string(row_bytes) +
                                                " bytes is over a 32nd of max_disk_bytes, " +
                                                std::to_string(most)};
  }
  if (room) return Status::Ok();
  return {StatusCode::kResourceExhausted, "no room within max_disk_bytes " +
                                              std::to_string(budget_.plan().limit) +
                                              ": values come faster than others can be evicted"};
}

Result<PutOutcome> CacheCore::WriteUntold(std::string_view key,
                                          const std::shared_ptr<EntryData>& entry,
                                          Numbered numbered, const Admission& admit) {
  const Status refusal(StatusCode::kUnavailable, "the store takes no values now");
  if (!supervisor_->EnterToStore(0)) return refusal;  // before the body is compressed for nothing
  std::optional<ByteGate::Pass> flight;
  if (entry->body.size() >= kLarge) {
    flight.emplace(values_in_flight_.Enter(entry->body.size(), kMostMsInFlight));
    if (!*flight)
      return Status(StatusCode::kResourceExhausted, "too many large values on their way");
  }
  Draft draft(key, entry, *codec_);
  const SpaceBudget::Room room = budget_.TakeRoom(draft.MostBytes());
  if (Status status = CheckRoom(draft.MostBytes(), room); !status.ok()) return status;
  // After that: who compresses for long is not who waits for a disk that hangs.
  const Turnstile::Pass pass = supervisor_->EnterToStore(entry->body.size());
  if (!pass) return refusal;
  const Writing writing(StripeOf(draft.hash));
  if (numbered == Numbered::kNow) entry->number = ledger_->Next();
  if (admit && !admit()) return PutOutcome::kSuperseded;
  if (std::optional<Result<PutOutcome>> refused = Refuse(draft, numbered)) {
    return *std::move(refused);
  }
  Encode(draft);
  KillPoint("value numbered");
  const Status status =
      supervisor_->Put(key, draft.record, options_.durability == Durability::kSync);
  KillPoint("value stored");
  return Finish(draft, status);
}

// The flight has ended, so its lease must be finished whatever happens.
Result<PutOutcome> CacheCore::TryWrite(std::string_view key,
                                       const std::shared_ptr<EntryData>& entry) {
  try {
    return Write(key, entry, Numbered::kByLease);
  } catch (...) {
    return Status(StatusCode::kInternal, "out of memory");  // short: needs none
  }
}

// What can be said without the store. Null: to be written.
std::optional<Result<PutOutcome>> CacheCore::RefusePut(std::string_view key, std::string_view body,
                                                       const WriteOptions& options) {
  Status status = CheckWrite(key, body, options);
  if (status.ok() && TtlOf(key, options) != Duration::zero()) return std::nullopt;
  CountRefused(key, PutOutcome::kNotStored, status);
  if (!status.ok()) return status;
  return PutOutcome::kNotStored;
}

Result<PutOutcome> CacheCore::Put(std::string_view key, std::string_view body,
                                  const WriteOptions& options) {
  if (std::optional<Result<PutOutcome>> refused = RefusePut(key, body, options)) {
    return *std::move(refused);
  }
  const std::shared_ptr<EntryData> entry = MakeEntry(key, body, options, options.tags);
  return Write(key, entry, Numbered::kNow);
}

// What the lease's caller and its followers get, also where it is not fit to be stored.
std::shared_ptr<EntryData> CacheCore::MakeCommitted(const FlightState& flight,
                                                    std::string_view body,
                                                    const WriteOptions& options,
                                                    const std::vector<std::string>& tags) const {
  WriteOptions fitting = options;
  if (!options.compute_time.has_value()) {
    fitting.compute_time = system_clock_.SinceBoot() - flight.started;
  }
  fitting.metadata.resize(std::min(options.metadata.size(), kMaxMetadataBytes));
  const bool tags_fit = CheckTags(options.tags).ok();
  std::shared_ptr<EntryData> entry =
      MakeEntry(flight.key, body, fitting, tags_fit ? tags : std::vector<std::string>{});
  entry->number = flight.number;
  return entry;
}

// Ends the flight: first for its followers, then it is written, if there is something to write.
CacheCore::Begun CacheCore::BeginCommit(const std::shared_ptr<FlightState>& flight,
                                        std::string_view body, const WriteOptions& options) {
  const bool tracked = flight->unstorable.ok();
  std::vector<std::string> tags = tracked ? flights_->FixTags(*flight, options.tags) : options.tags;
  const std::shared_ptr<EntryData> entry = MakeCommitted(*flight, body, options, tags);
  Committed committed{.entry = Entry(entry), .outcome = PutOutcome::kNotStored, .status = {}};
  committed.status = tracked ? CheckWrite(flight->key, body, options) : flight->unstorable;

  // A follower that came after the invalidation of a tag named only now must not be served.
  if (tracked && !options.tags.empty()) {
    const bool holds = ledger_->Holds(flight->key, flight->number, flight->tag_hashes);
    const bool fresh =
        ledger_->FreshUntil(flight->key, flight->number, flight->tag_hashes) == kNever;
    if (!holds) flights_->Finish(*flight);
    if (!holds || !fresh) {
      flight->End({.entry = std::nullopt,
                   .status = {StatusCode::kCancelled, "invalidated while it was computed"},
                   .acquire_again = true});
    }
    if (!holds) {
      committed.outcome = PutOutcome::kSuperseded;
      CountRefused(flight->key, committed.outcome, Status::Ok());
      return {.committed = std::move(committed), .to_write = nullptr};
    }
  }
  // Nobody may find in the table what is not going to be in the store.
  if (!committed.status.ok() || TtlOf(flight->key, options) == Duration::zero()) {
    flights_->Finish(*flight);
    flight->End({committed.entry, Status::Ok()});
    CountRefused(flight->key, committed.outcome, committed.status);
    return {.committed = std::move(committed), .to_write = nullptr};
  }
  // If it has ended before, the cache was closed, which Write will notice, or the lease is overdue.
  flight->End({committed.entry, Status::Ok()});
  return {.committed = std::move(committed), .to_write = entry};
}

Committed CacheCore::FinishCommit(const std::shared_ptr<FlightState>& flight,
                                  const std::shared_ptr<EntryData>& entry) {
  const Result<PutOutcome> outcome = TryWrite(flight->key, entry);
  flights_->Finish(*flight);
  return {.entry = Entry(entry),
          .outcome = outcome.ok() ? *outcome : PutOutcome::kNotStored,
          .status = outcome.status()};
}

// Keeps the lease until the value is written: if it never is, that gives it back.
struct CacheCore::LaterWrite {
  LaterWrite(CacheCore& core_in, Lease lease_in) : core(core_in), lease(std::move(lease_in)) {
    core.unwritten_.fetch_add(1);
  }
  ~LaterWrite() { core.unwritten_.fetch_sub(1); }
  LaterWrite(const LaterWrite&) = delete;
  LaterWrite& operator=(const LaterWrite&) = delete;

  CacheCore& core;
  Lease lease;
};

Entry CacheCore::CommitInBackground(const std::shared_ptr<FlightState>& flight, Lease lease,
                                    std::string_view body, const WriteOptions& options) {
  const auto later = std::make_shared<LaterWrite>(*this, std::move(lease));
  Begun begun = BeginCommit(flight, body, options);
  if (begun.to_write == nullptr) {
    flight->NoteWritten(begun.committed.outcome);
    return begun.committed.entry;
  }
  auto write = [this, later, flight, entry = std::move(begun.to_write)] {
    const Result<PutOutcome> outcome = TryWrite(flight->key, entry);
    flights_->Finish(*flight);
    flight->NoteWritten(outcome.ok() ? *outcome : PutOutcome::kNotStored);
  };
  switch (WriteLater(body.size(), write)) {
    case WriteQueue::Added::kYes: break;
    case WriteQueue::Added::kNotRunning: write(); break;
    case WriteQueue::Added::kFull: RefuseLate(flight); break;
  }
  return begun.committed.entry;
}

// A disk that is behind, or hangs and is not yet known to, costs the value its place and nobody's
// time.
void CacheCore::RefuseLate(const std::shared_ptr<FlightState>& flight) {
  flights_->Finish(*flight);
  CountRefused(flight->key, PutOutcome::kNotStored,
               {StatusCode::kResourceExhausted, "values come faster than they are written"});
  flight->NoteWritten(PutOutcome::kNotStored);
}

WriteQueue::Added CacheCore::WriteLater(std::uint64_t bytes, std::function<void()> write) {
  using Added = WriteQueue::Added;
  if (!supervisor_->EnterToStore(0)) return Added::kNotRunning;  // refused at once
  try {
    if (!internals_.write_later) return write_queue_.Add(bytes, std::move(write));
    return internals_.write_later(std::move(write)) ? Added::kYes : Added::kNotRunning;
  } catch (...) {  // no memory for it
    return Added::kNotRunning;
  }
}

Committed CacheCore::Commit(const std::shared_ptr<FlightState>& flight, std::string_view body,
                            const WriteOptions& options) {
  Begun begun = BeginCommit(flight, body, options);
  if (begun.to_write == nullptr) return std::move(begun.committed);
  return FinishCommit(flight, begun.to_write);
}

namespace {

// Who waits for a computation that was given up acquires again; one that failed has failed for all.
void EndUnfinished(FlightState& flight, Status status) {
  const bool given_up = status.code() == StatusCode::kCancelled;
  flight.End({.entry = std::nullopt, .status = std::move(status), .acquire_again = given_up});
}

}  // namespace

void CacheCore::Abandon(const std::shared_ptr<FlightState>& flight, Status status) {
  flights_->Finish(*flight);
  EndUnfinished(*flight, std::move(status));
}

Committed CommitFlight(const std::shared_ptr<FlightState>& flight, std::string_view body,
                       const WriteOptions& options) {
  if (const std::shared_ptr<CacheCore> core = flight->core.lock()) {
    return core->Commit(flight, body, options);
  }
  // The cache is gone, and the followers were told so when it closed; or it had no memory for this.
  auto entry = std::make_shared<EntryData>();
  entry->number = flight->number;
  entry->created = Clock::System().Wall();
  entry->cost_microusd = options.cost_microusd;
  std::copy(body.begin(), body.end(), FillEntry(*entry, options.metadata, {}, 0, body.size()));
  Committed committed{.entry = Entry(std::move(entry)),
                      .outcome = PutOutcome::kNotStored,
                      .status = flight->unstorable};
  if (committed.status.ok()) committed.status = {StatusCode::kUnavailable, "the cache is closed"};
  flight->End({committed.entry, Status::Ok()});
  return committed;
}

void AbandonFlight(const std::shared_ptr<FlightState>& flight, Status status) {
  if (const std::shared_ptr<CacheCore> core = flight->core.lock()) {
    core->Abandon(flight, std::move(status));
  } else {
    EndUnfinished(*flight, std::move(status));
  }
}

void FollowFlight(const std::shared_ptr<FlightState>& flight,
                  std::function<void(FlightEnd)> callback, Duration timeout,
                  const std::stop_token& stop) {
  Duration until = kForever;
  if (timeout != kForever) {
    // Without either the flight has ended, or nobody keeps its time.
    if (const std::shared_ptr<CacheCore> core = flight->core.lock()) {
      until = core->DeadlineAfter(timeout);
    } else if (flight->clock != nullptr) {
      until = flight->clock->SinceBoot() + std::min(timeout, kLongest);
    }
  }
  flight->OnEnd(std::move(callback), until, stop);
}

}  // namespace larder
