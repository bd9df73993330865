// The read path: hot tier, then store; and what makes an entry usable.
#include <algorithm>
#include <optional>

#include "cache_lookup.h"

namespace larder {
namespace {
// Of a body that an event loop may decompress: some 50 us.
constexpr std::uint64_t kMostBytesAtOnce = std::uint64_t{64} << 10;
}  // namespace

CacheCore::Query CacheCore::MakeQuery(const ReadOptions& options) const {
  return MakeQuery(options, options.stale_window);
}

CacheCore::Query CacheCore::MakeQuery(const ReadOptions& options, StaleWindow window) const {
  Query query{.tags = {},
              .max_age = options.max_age,
              .max_stale = options.max_stale,
              .window = window,
              .newer_than = options.newer_than == kRefresh ? ledger_->Last() : options.newer_than,
              .now = clock_->Now(),
              .peek = false};
  query.tags.reserve(options.tags.size());
  for (const std::string& tag : options.tags) query.tags.push_back(HashTag(tag));
  return query;
}

// All but the entry's own tags, its key and the floor. Null: usable.
std::optional<MissReason> CacheCore::Judge(const Facts& facts, const Query& query) const {
  if (query.now >= facts.expires) return MissReason::kExpired;
  if (!query.tags.empty() && !ledger_->Holds({}, facts.number, query.tags)) {
    return MissReason::kInvalidated;
  }
  if (facts.number <= query.newer_than) return MissReason::kUnwanted;
  if (query.now >= facts.fresh_until) {
    const Duration window = query.window == StaleWindow::kWhileRevalidate
                                ? facts.stale_while_revalidate
                            : query.window == StaleWindow::kIfError ? facts.stale_if_error
                                                                    : Duration::zero();
    if (query.now - facts.fresh_until >= std::max(query.max_stale, window)) {
      return MissReason::kExpired;
    }
  }
  if (query.max_age.has_value() && query.now - facts.created > *query.max_age) {
    return MissReason::kUnwanted;
  }
  return std::nullopt;
}

// Of an entry that was just seen to hold.
CacheCore::Facts CacheCore::FactsOf(const EntryData& entry, const Query& query) const {
  Facts facts{.number = entry.number,
              .created = entry.created,
              .fresh_until = entry.FreshUntil(),
              .expires = entry.expires,
              .stale_while_revalidate = entry.stale_while_revalidate,
              .stale_if_error = entry.stale_if_error};
  if (!query.tags.empty()) {
    facts.fresh_until =
        std::min(facts.fresh_until, ledger_->FreshUntil({}, entry.number, query.tags));
  }
  return facts;
}

// Between two invalidations of anything an entry that held goes on holding, and being as fresh: a
// hot hit looks at one number instead of at its key and each of its tags.
bool CacheCore::StillHolds(std::string_view key, const EntryData& entry) const {
  const std::uint64_t generation = ledger_->Generation();
  if (entry.held_at_generation.load(std::memory_order_acquire) == generation) return true;
  if (!ledger_->Holds(key, entry.number, entry.tag_hashes)) return false;
  const TimePoint fresh = ledger_->FreshUntil(key, entry.number, entry.tag_hashes);
  const Duration::rep until = fresh.time_since_epoch().count();
  Duration::rep seen = entry.fresh_at_most.load(std::memory_order_relaxed);
  while (until < seen && !entry.fresh_at_most.compare_exchange_weak(seen, until)) {
  }
  entry.held_at_generation.store(generation, std::memory_order_release);
  return true;
}

CacheCore::Lookup CacheCore::FindInMemory(std::string_view key, std::uint64_t hash,
                                          const Query& query) {
  Lookup lookup;
  std::shared_ptr<const EntryData> entry =
      query.peek ? hot_tier_->Peek(key, hash) : hot_tier_->Find(key, hash);
  if (entry == nullptr) return lookup;
  lookup.in_memory = true;
  if (!StillHolds(key, *entry)) {
    hot_tier_->EraseIf(key, hash, entry.get());
    lookup.miss = MissReason::kInvalidated;
    return lookup;
  }
  Accept(std::move(entry), query, lookup);
  return lookup;
}

// Into `lookup`, or why not.
void CacheCore::Accept(std::shared_ptr<const EntryData> entry, const Query& query,
                       Lookup& lookup) const {
  const Facts facts = FactsOf(*entry, query);
  if (const std::optional<MissReason> why_not = Judge(facts, query)) {
    lookup.miss = *why_not;
    return;
  }
  lookup.stale = query.now >= facts.fresh_until;
  lookup.entry = std::move(entry);
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
  if (query.now >= record.expires) {
    lookup.miss = MissReason::kExpired;
    return lookup;
  }
  if (query.no_disk && record.raw_bytes > kMostBytesAtOnce) {
    lookup.unknown = true;
    return lookup;
  }
  if (record.raw_bytes > options_.max_body_bytes) {  // the limit was lowered since
    lookup.miss = MissReason::kUnwanted;
    return lookup;
  }
  auto entry = std::make_shared<EntryData>();
  entry->key_hash = HotTier::HashKey(key);
  entry->number = record.number;
  entry->created = record.created;
  entry->fresh_until = record.fresh_until;
  entry->expires = record.expires;
  entry->stale_while_revalidate = record.stale_while_revalidate;
  entry->stale_if_error = record.stale_if_error;
  entry->negative = record.negative;
  entry->compute_time = record.compute_time;
  entry->cost_microusd = record.cost_microusd;
  entry->stored_bytes.store(key.size() + bytes.size(), std::memory_order_relaxed);
  char* body = FillEntry(*entry, record.metadata, record.tags, record.tag_count,
                         query.bodies ? record.raw_bytes : 0);
  if (!StillHolds(key, *entry)) return lookup;
  lookup.raw_bytes = record.raw_bytes;
  lookup.popularity = record.popularity;
  Accept(entry, query, lookup);
  if (lookup.entry == nullptr || !query.bodies || codec_->Decompress(record, body)) return lookup;
  lookup.entry = nullptr;
  lookup.miss = MissReason::kCorrupt;
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

CacheCore::Lookup CacheCore::FindOnDisk(std::string_view key, std::uint64_t hash, Query& query) {
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  if (!pass) {
    Lookup lookup;
    lookup.miss = MissReason::kFault;
    return lookup;
  }
  const std::uint64_t version = StripeOf(hash).version.load(std::memory_order_acquire);
  PinnedRow row;
  const ReadOutcome outcome = query.peek      ? supervisor_->Peek(key, row)
                              : query.no_disk ? supervisor_->GetCached(key, row)
                                              : supervisor_->Get(key, row);
  return Take(key, hash, version, outcome, row.bytes(), query);
}

// What the store gave for a key whose stripe had `version` before.
CacheCore::Lookup CacheCore::Take(std::string_view key, std::uint64_t hash, std::uint64_t version,
                                  ReadOutcome outcome, std::string_view row, Query& query) {
  Lookup lookup;
  switch (outcome) {
    case ReadOutcome::kFault: lookup.miss = MissReason::kFault; return lookup;
    case ReadOutcome::kAbsent: return lookup;
    case ReadOutcome::kUnknown: lookup.unknown = true; return lookup;
    case ReadOutcome::kCorrupt: lookup.miss = MissReason::kCorrupt; break;
    case ReadOutcome::kFound:
      // The disk may have taken its time, in which the entry expired.
      query.now = std::max(query.now, clock_->Now());
      lookup = ReadRecord(key, row, query);
      break;
  }
  if (query.peek || lookup.unknown) return lookup;
  if (query.no_disk && lookup.miss == MissReason::kCorrupt) {  // to drop it is to write
    lookup.unknown = true;
    return lookup;
  }
  if (lookup.entry != nullptr) {
    FillHotTier(key, hash, version, lookup.entry);
  } else if (lookup.miss == MissReason::kCorrupt) {
    DropCorrupt(key, hash);
  }
  return lookup;
}

// The hot tier is never behind the store (FillHotTier, Write), so what it holds but cannot
// be used need not be looked for on disk.
CacheCore::Lookup CacheCore::Find(std::string_view key, std::uint64_t hash, Query& query) {
  Lookup lookup = FindBesideDisk(key, hash, query);
  return lookup.in_memory ? lookup : FindOnDisk(key, hash, query);
}

// What was handed out last is newer than what the hot tier holds.
CacheCore::Lookup CacheCore::FindBesideDisk(std::string_view key, std::uint64_t hash,
                                            const Query& query) {
  if (unwritten_.load(std::memory_order_relaxed) != 0) {
    Lookup lookup = FindUnwritten(key, hash, query);
    if (lookup.entry != nullptr) return lookup;
  }
  return internals_.hot_tier ? FindInMemory(key, hash, query) : Lookup{};
}

// A value that was handed out and is not in the store yet.
CacheCore::Lookup CacheCore::FindUnwritten(std::string_view key, std::uint64_t hash,
                                           const Query& query) {
  Lookup lookup;
  lookup.in_memory = true;
  const std::shared_ptr<FlightState> flight = flights_->Find(key, hash);
  if (flight == nullptr || flights_->IsReplaced(*flight)) return lookup;
  const std::optional<FlightEnd> end = flight->end();
  if (!end.has_value() || !end->entry.has_value()) return lookup;
  if (StillHolds(key, *end->entry->data())) Accept(end->entry->data(), query, lookup);
  return lookup;
}

Hit CacheCore::CountHit(std::string_view key, const Entry& entry, bool stale, bool in_memory) {
  Counters::Row& here = counters_.Here();
  here.Add(Counter::kHits);
  here.Add(Counter::kHotHits, in_memory ? 1 : 0);
  here.Add(Counter::kStaleHits, stale ? 1 : 0);
  here.Add(Counter::kMicrousdSaved, entry.cost_microusd());
  here.Add(Counter::kMsSaved, static_cast<std::uint64_t>(entry.compute_time().count()));
  NoteHit(*entry.data());
  Tell([&](Observer& o) {
    o.OnHit({.key = key,
             .stale = stale,
             .in_memory = in_memory,
             .cost_microusd = entry.cost_microusd(),
             .compute_time = entry.compute_time(),
             .stored_bytes = entry.stored_bytes()});
  });
  return {.entry = entry, .stale = stale};
}

void CacheCore::CountMiss(std::string_view key, MissReason reason) {
  counters_.Add(CounterOf(reason));
  Tell([&](Observer& o) { o.OnMiss(key, reason); });
}

std::optional<Hit> CacheCore::GetInMemory(std::string_view key, const ReadOptions& options) {
  if (calls_.shut()) return std::nullopt;
  const Lookup lookup = FindBesideDisk(key, HotTier::HashKey(key), MakeQuery(options));
  if (lookup.entry == nullptr) return std::nullopt;
  return CountHit(key, Entry(lookup.entry), lookup.stale, true);
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
  Query query = MakeQuery(options);
  const Lookup lookup = Find(key, HotTier::HashKey(key), query);
  return CountLookup(key, lookup);
}

// Counts what was found, or missed.
std::optional<Hit> CacheCore::CountLookup(std::string_view key, const Lookup& lookup) {
  if (lookup.entry != nullptr)
    return CountHit(key, Entry(lookup.entry), lookup.stale, lookup.in_memory);
  CountMiss(key, lookup.miss);
  return std::nullopt;
}

}  // namespace larder
