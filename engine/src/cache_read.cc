// The read path: hot tier, store, flights; and what makes an entry usable.
#include <algorithm>
#include <optional>

#include "cache_lookup.h"

namespace larder {

CacheCore::Query CacheCore::MakeQuery(const ReadOptions& options) const {
  Query query{.tags = {},
              .max_age = options.max_age,
              .max_stale = options.max_stale,
              .newer_than = options.newer_than == kRefresh ? ledger_->Last() : options.newer_than,
              .now = clock_->Now(),
              .peek = false};
  query.tags.reserve(options.tags.size());
  for (const std::string& tag : options.tags) query.tags.push_back(HashTag(tag));
  return query;
}

// All but the entry's own tags and the floor. Null: usable.
std::optional<MissReason> CacheCore::Judge(const Facts& facts, const Query& query) const {
  if (query.now >= facts.expires) return MissReason::kExpired;
  if (!query.tags.empty() && !ledger_->Holds(facts.number, query.tags)) {
    return MissReason::kInvalidated;
  }
  if (facts.number <= query.newer_than) return MissReason::kUnwanted;
  if (query.now >= facts.fresh_until && query.now - facts.fresh_until >= query.max_stale) {
    return MissReason::kExpired;
  }
  if (query.max_age.has_value() && query.now - facts.created > *query.max_age) {
    return MissReason::kUnwanted;
  }
  return std::nullopt;
}

// Between two invalidations of anything an entry that held goes on holding: a hot hit looks at
// one number instead of at each of its tags.
bool CacheCore::StillHolds(const EntryData& entry) const {
  const std::uint64_t generation = ledger_->Generation();
  if (entry.held_at_generation.load(std::memory_order_relaxed) == generation) return true;
  if (!ledger_->Holds(entry.number, entry.tag_hashes)) return false;
  entry.held_at_generation.store(generation, std::memory_order_relaxed);
  return true;
}

CacheCore::Lookup CacheCore::FindInMemory(std::string_view key, std::uint64_t hash,
                                          const Query& query) {
  Lookup lookup;
  std::shared_ptr<const EntryData> entry =
      query.peek ? hot_tier_->Peek(key, hash) : hot_tier_->Find(key, hash);
  if (entry == nullptr) return lookup;
  lookup.in_memory = true;
  if (!StillHolds(*entry)) {
    hot_tier_->EraseIf(key, hash, entry.get());
    lookup.miss = MissReason::kInvalidated;
    return lookup;
  }
  const Facts facts{entry->number, entry->created, entry->fresh_until, entry->expires};
  if (const std::optional<MissReason> why_not = Judge(facts, query)) {
    lookup.miss = *why_not;
    return lookup;
  }
  lookup.stale = query.now >= entry->fresh_until;
  lookup.entry = std::move(entry);
  return lookup;
}

CacheCore::Lookup CacheCore::ReadRecord(std::string_view key, std::string_view bytes,
                                        const Query& query) {
  Lookup lookup;
  RecordView record;
  const RecordState state = DecodeRecord(key, bytes, record);
  if (state != RecordState::kOk) {
    lookup.miss = MissReason::kCorrupt;
    return lookup;
  }
  lookup.miss = MissReason::kInvalidated;
  if (record.kind == RecordKind::kTombstone) return lookup;
  const Facts facts{record.number, record.created, record.fresh_until, record.expires};
  if (const std::optional<MissReason> why_not = Judge(facts, query)) {
    lookup.miss = *why_not;
    return lookup;
  }
  if (record.raw_bytes > options_.max_body_bytes) {  // the limit was lowered since
    lookup.miss = MissReason::kUnwanted;
    return lookup;
  }
  auto entry = std::make_shared<EntryData>();
  entry->number = record.number;
  entry->created = record.created;
  entry->fresh_until = record.fresh_until;
  entry->expires = record.expires;
  entry->compute_time = record.compute_time;
  entry->cost_microusd = record.cost_microusd;
  entry->stored_bytes.store(key.size() + bytes.size(), std::memory_order_relaxed);
  char* body = FillEntry(*entry, record.metadata, record.tags, record.tag_count,
                         query.bodies ? record.raw_bytes : 0);
  if (!StillHolds(*entry)) return lookup;
  if (query.bodies && !codec_->Decompress(record, body)) {
    lookup.miss = MissReason::kCorrupt;
    return lookup;
  }
  lookup.stale = query.now >= entry->fresh_until;
  lookup.raw_bytes = record.raw_bytes;
  lookup.entry = std::move(entry);
  return lookup;
}

// A reader must not put into memory what a writer has replaced or removed since it was read: it
// takes the stripe only if that is free, and fills only if no write ended since it read.
void CacheCore::FillHotTier(std::string_view key, std::uint64_t hash, std::uint64_t version,
                            const std::shared_ptr<const EntryData>& entry) {
  if (!internals_.hot_tier) return;
  Stripe& stripe = StripeOf(hash);
  const std::unique_lock lock(stripe.mutex, std::try_to_lock);
  if (!lock.owns_lock() || stripe.version.load(std::memory_order_relaxed) != version) return;
  hot_tier_->Insert(key, hash, entry);
}

CacheCore::Lookup CacheCore::FindOnDisk(std::string_view key, std::uint64_t hash,
                                        const Query& query) {
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  if (!pass) {
    Lookup lookup;
    lookup.miss = MissReason::kFault;
    return lookup;
  }
  const std::uint64_t version = StripeOf(hash).version.load(std::memory_order_acquire);
  PinnedRow row;
  const ReadOutcome outcome = query.peek ? supervisor_->Peek(key, row) : supervisor_->Get(key, row);
  return Take(key, hash, version, outcome, row.bytes(), query);
}

// What the store gave for a key whose stripe had `version` before.
CacheCore::Lookup CacheCore::Take(std::string_view key, std::uint64_t hash, std::uint64_t version,
                                  ReadOutcome outcome, std::string_view row, const Query& query) {
  Lookup lookup;
  switch (outcome) {
    case ReadOutcome::kFault: lookup.miss = MissReason::kFault; return lookup;
    case ReadOutcome::kAbsent: return lookup;
    case ReadOutcome::kCorrupt: lookup.miss = MissReason::kCorrupt; break;
    case ReadOutcome::kFound: lookup = ReadRecord(key, row, query); break;
  }
  if (query.peek) return lookup;
  if (lookup.entry != nullptr) {
    FillHotTier(key, hash, version, lookup.entry);
  } else if (lookup.miss == MissReason::kCorrupt) {
    DropCorrupt(key, hash);
  }
  return lookup;
}

// The hot tier is never behind the store (FillHotTier, Write), so what it holds but cannot
// be used need not be looked for on disk.
CacheCore::Lookup CacheCore::Find(std::string_view key, std::uint64_t hash, const Query& query) {
  if (internals_.hot_tier) {
    Lookup lookup = FindInMemory(key, hash, query);
    if (lookup.in_memory) return lookup;
  }
  return FindOnDisk(key, hash, query);
}

Hit CacheCore::CountHit(const Entry& entry, bool stale, bool in_memory) {
  counters_.Add(Counter::kHits);
  if (in_memory) counters_.Add(Counter::kHotHits);
  if (stale) counters_.Add(Counter::kStaleHits);
  counters_.Add(Counter::kMicrousdSaved, entry.cost_microusd());
  counters_.Add(Counter::kMsSaved, static_cast<std::uint64_t>(entry.compute_time().count()));
  return {.entry = entry, .stale = stale};
}

std::optional<Hit> CacheCore::GetInMemory(std::string_view key, const ReadOptions& options) {
  if (calls_.shut()) return std::nullopt;
  const Lookup lookup = FindInMemory(key, HotTier::HashKey(key), MakeQuery(options));
  if (lookup.entry == nullptr) return std::nullopt;
  return CountHit(Entry(lookup.entry), lookup.stale, true);
}

std::optional<Hit> CacheCore::Peek(std::string_view key, const ReadOptions& options) {
  if (calls_.shut() || !CheckKey(key).ok()) return std::nullopt;
  Query query = MakeQuery(options);
  query.peek = true;
  const Lookup lookup = Find(key, HotTier::HashKey(key), query);
  if (lookup.entry == nullptr) return std::nullopt;
  return Hit{.entry = Entry(lookup.entry), .stale = lookup.stale};
}

std::optional<Hit> CacheCore::Get(std::string_view key, const ReadOptions& options) {
  if (calls_.shut() || !CheckKey(key).ok()) return std::nullopt;
  const Lookup lookup = Find(key, HotTier::HashKey(key), MakeQuery(options));
  return CountLookup(lookup);
}

// Counts what was found, or missed.
std::optional<Hit> CacheCore::CountLookup(const Lookup& lookup) {
  if (lookup.entry != nullptr) return CountHit(Entry(lookup.entry), lookup.stale, lookup.in_memory);
  counters_.Add(CounterOf(lookup.miss));
  return std::nullopt;
}

Acquired CacheCore::Acquire(std::string_view key, const ReadOptions& options) {
  Status status = CheckKey(key);
  if (status.ok()) status = CheckTags(options.tags);
  if (status.ok() && calls_.shut()) status = {StatusCode::kUnavailable, "the cache is closed"};
  if (!status.ok()) {
    counters_.Add(Counter::kMissesFault);
    return Lease(UntrackedFlight(key, std::move(status)));
  }
  const std::uint64_t hash = HotTier::HashKey(key);
  const Query query = MakeQuery(options);
  const std::uint64_t epoch = flights_->Epoch(hash);
  Lookup lookup;
  lookup.miss = MissReason::kUnwanted;
  if (options.newer_than != kRefresh) lookup = Find(key, hash, query);
  if (lookup.entry != nullptr) return CountHit(Entry(lookup.entry), lookup.stale, lookup.in_memory);
  Acquired acquired = LeaseOrFlight(key, hash, options, query, epoch, lookup.miss);
  if (std::holds_alternative<Lease>(acquired)) counters_.Add(CounterOf(lookup.miss));
  return acquired;
}

Lease CacheCore::AcquireUnstored(std::string_view key) {
  counters_.Add(Counter::kMissesFault);
  return Lease(UntrackedFlight(key, {StatusCode::kInternal, "the engine ran out of memory"}));
}

// Ended, but still being written: as good as stored.
std::optional<Hit> CacheCore::HitOfEnded(FlightState& flight, const Query& query) {
  const std::optional<FlightEnd> end = flight.end();
  if (!end.has_value() || !end->entry.has_value()) return std::nullopt;
  const Entry& entry = *end->entry;
  const Facts facts{entry.number(), entry.created(), entry.fresh_until(), entry.expires()};
  if (Judge(facts, query).has_value()) return std::nullopt;
  return CountHit(entry, query.now >= entry.fresh_until(), true);
}

Acquired CacheCore::LeaseOrFlight(std::string_view key, std::uint64_t hash,
                                  const ReadOptions& options, const Query& query,
                                  std::uint64_t epoch, MissReason reason) {
  FlightTable::Joined joined = flights_->JoinOrLead(
      key, hash, options.tags, query.newer_than, epoch, [&](FlightState& flight) {
        Prepare(flight, reason);
        if (options.lease_timeout != kForever) {
          flight.deadline = DeadlineAfter(options.lease_timeout);
          flight.NoteDeadline(flight.deadline);
        }
      });
  if (!joined.leads) {
    const Duration deadline = joined.state->NextDeadline();
    if (deadline != kForever) EndIfDue(*joined.state, system_clock_.SinceBoot());
    if (const std::optional<Hit> hit = HitOfEnded(*joined.state, query)) return *hit;
    if (joined.state->end().has_value()) {  // ended, and not for this caller
      flights_->Detach(key, hash, joined.state->number + 1);
      return LeaseOrFlight(key, hash, options, query, epoch, reason);
    }
    counters_.Add(Counter::kCoalesced);
    return Flight(std::move(joined.state));
  }
  Lease lease(joined.state);
  if (joined.flight_ended_since && options.newer_than != kRefresh) {
    const Lookup lookup = Find(key, hash, query);
    // The lease is dropped: who joined it meanwhile looks for itself, by its own rules.
    if (lookup.entry != nullptr) {
      return CountHit(Entry(lookup.entry), lookup.stale, lookup.in_memory);
    }
  }
  // Close ends the flights that it finds; this one may have come just after.
  if (calls_.shut()) {
    joined.state->End({.entry = std::nullopt,
                       .status = {StatusCode::kCancelled, "the cache is closed"},
                       .acquire_again = true});
  }
  return lease;
}

void CacheCore::Prepare(FlightState& flight, MissReason reason) {
  flight.reason = reason;
  flight.core = weak_from_this();
  flight.executor = executor_;
  flight.started = system_clock_.SinceBoot();
}

Duration CacheCore::DeadlineAfter(Duration timeout) {
  has_deadlines_.store(true, std::memory_order_relaxed);
  return system_clock_.SinceBoot() + std::min(timeout, kLongest);
}

// A lease that is overdue still counts among the open ones, for what it may yet commit; but its
// flight is over, and the next caller computes.
void CacheCore::EndIfDue(FlightState& flight, Duration now) {
  if (flight.EndDue(now)) flights_->Detach(flight.key, flight.hash, flight.number + 1);
}

void CacheCore::SweepDeadlines() {
  if (!has_deadlines_.load(std::memory_order_relaxed)) return;
  const Duration now = system_clock_.SinceBoot();
  for (const std::shared_ptr<FlightState>& flight : flights_->Due(now)) EndIfDue(*flight, now);
}

std::shared_ptr<FlightState> CacheCore::UntrackedFlight(std::string_view key, Status why) {
  auto flight = std::make_shared<FlightState>();
  Prepare(*flight, MissReason::kFault);
  flight->key = key;
  flight->number = ledger_->Last();
  flight->unstorable = std::move(why);
  return flight;
}

}  // namespace larder
