// Acquire: what a read gets where there is nothing, or nothing fresh: a lease or a flight; and the
// deadlines of both.
#include <algorithm>
#include <utility>

#include "cache_lookup.h"
#include "kill_point.h"

namespace larder {

Acquired CacheCore::Acquire(std::string_view key, const ReadOptions& options, StaleWindow window) {
  Query query = MakeQuery(options, window);
  std::optional<Acquired> acquired = TryAcquire(key, options, query);
  if (acquired) return *std::move(acquired);
  return AcquireUnstored(key);  // RocksDB left open what it was to look up on disk
}

std::optional<Acquired> CacheCore::AcquireInMemory(std::string_view key,
                                                   const ReadOptions& options) {
  Query query = MakeQuery(options);
  query.no_disk = true;
  return TryAcquire(key, options, query);
}

// Nothing: only the disk can tell, and the query goes without. What was leased has been given back.
std::optional<Acquired> CacheCore::TryAcquire(std::string_view key, const ReadOptions& options,
                                              Query& query) {
  Status status = CheckKey(key);
  if (status.ok()) status = CheckTags(options.tags);
  if (status.ok() && calls_.shut()) status = {StatusCode::kUnavailable, "the cache is closed"};
  if (!status.ok()) {
    CountMiss(key, MissReason::kFault);
    return Lease(UnstorableFlight(key, std::move(status), options.lease_timeout));
  }
  const std::uint64_t hash = HotTier::HashKey(key);
  const std::uint64_t epoch = flights_->Epoch(hash);
  Lookup lookup;
  lookup.miss = MissReason::kUnwanted;
  if (options.newer_than != kRefresh) lookup = Find(key, hash, query);
  if (lookup.unknown) return std::nullopt;
  KillPoint("looked up");
  if (lookup.entry != nullptr) {
    if (lookup.stale && query.window == StaleWindow::kWhileRevalidate) {
      return HitOrRefresh(key, hash, options, query, epoch, std::move(lookup));
    }
    return CountHit(key, Entry(lookup.entry), lookup.stale, lookup.in_memory);
  }
  std::optional<Acquired> acquired = LeaseOrFlight(key, hash, options, query, epoch, lookup.miss);
  if (acquired && std::holds_alternative<Lease>(*acquired)) CountMiss(key, lookup.miss);
  return acquired;
}

Lease CacheCore::AcquireUnstored(std::string_view key) {
  CountMiss(key, MissReason::kFault);
  try {
    return Lease(
        UnstorableFlight(key, {StatusCode::kInternal, "the engine ran out of memory"}, kForever));
  } catch (...) {  // not even for that
    return Lease(nullptr);
  }
}

// After computing failed: what may be served then. A miss has been counted already.
std::optional<Hit> CacheCore::GetIfError(std::string_view key, const ReadOptions& options) {
  if (calls_.shut() || !CheckKey(key).ok()) return std::nullopt;
  Query query = MakeQuery(options, StaleWindow::kIfError);
  const Lookup lookup = Find(key, HotTier::HashKey(key), query);
  if (lookup.entry == nullptr) return std::nullopt;
  return CountHit(key, Entry(lookup.entry), lookup.stale, lookup.in_memory);
}

// Ended, but still being written: as good as stored, unless something newer has been stored since.
std::optional<Hit> CacheCore::HitOfEnded(FlightState& flight, Query& query) {
  const std::optional<FlightEnd> end = flight.end();
  if (!end.has_value() || !end->entry.has_value()) return std::nullopt;
  if (flights_->IsReplaced(flight)) return std::nullopt;
  query.now = std::max(query.now, clock_->Now());  // the look that missed it may have taken long
  const Entry& entry = *end->entry;
  const Facts facts{.number = entry.number(),
                    .created = entry.created(),
                    .fresh_until = entry.fresh_until(),
                    .expires = entry.expires(),
                    .stale_while_revalidate = entry.stale_while_revalidate(),
                    .stale_if_error = entry.stale_if_error()};
  if (Judge(facts, query).has_value()) return std::nullopt;
  return CountHit(flight.key, entry, query.now >= facts.fresh_until, true);
}

FlightTable::Joined CacheCore::JoinOrLead(std::string_view key, std::uint64_t hash,
                                          const ReadOptions& options, const Query& query,
                                          std::uint64_t epoch, MissReason reason) {
  FlightTable::Joined joined = flights_->JoinOrLead(key, hash, options.tags, query.newer_than,
                                                    epoch, [&](FlightState& flight) {
                                                      Prepare(flight, reason);
                                                      SetDeadline(flight, options.lease_timeout);
                                                    });
  if (joined.leads) {
    // Close ends the flights that it finds; this one may have come just after.
    if (calls_.shut()) EndForClosing(*joined.state);
  } else if (joined.state->NextDeadline() != kForever) {
    EndIfDue(*joined.state, system_clock_.SinceBoot());
  }
  return joined;
}

std::optional<Acquired> CacheCore::LeaseOrFlight(std::string_view key, std::uint64_t hash,
                                                 const ReadOptions& options, Query& query,
                                                 std::uint64_t epoch, MissReason reason) {
  FlightTable::Joined joined = JoinOrLead(key, hash, options, query, epoch, reason);
  if (!joined.leads) {
    if (const std::optional<Hit> hit = HitOfEnded(*joined.state, query)) return *hit;
    if (joined.state->end().has_value()) {  // ended, and not for this caller
      flights_->Detach(key, hash, joined.state->number + 1);
      return LeaseOrFlight(key, hash, options, query, epoch, reason);
    }
    counters_.Add(Counter::kCoalesced);
    return Flight(std::move(joined.state));
  }
  Lease lease(joined.state);
  if (!joined.flight_ended_since || options.newer_than == kRefresh) return lease;
  query.now = std::max(query.now, clock_->Now());  // the first look may have taken long
  Lookup lookup = Find(key, hash, query);
  if (lookup.unknown) return std::nullopt;
  if (lookup.entry == nullptr) return lease;
  return FoundUnderLease(key, lookup, query, std::move(lease));
}

// A stale entry that may be used, now that somebody sees to its successor.
std::optional<Acquired> CacheCore::HitOrRefresh(std::string_view key, std::uint64_t hash,
                                                const ReadOptions& options, Query& query,
                                                std::uint64_t epoch, Lookup lookup) {
  FlightTable::Joined joined = JoinOrLead(key, hash, options, query, epoch, MissReason::kExpired);
  if (!joined.leads) {
    if (const std::optional<Hit> hit = HitOfEnded(*joined.state, query)) return *hit;
    return CountHit(key, Entry(lookup.entry), true, lookup.in_memory);
  }
  Lease lease(joined.state);
  if (joined.flight_ended_since) {
    query.now = std::max(query.now, clock_->Now());
    lookup = Find(key, hash, query);
    if (lookup.unknown) return std::nullopt;
    if (lookup.entry == nullptr) {  // invalidated, or removed, just now
      CountMiss(key, lookup.miss);
      return lease;
    }
  }
  return FoundUnderLease(key, lookup, query, std::move(lease));
}

// A fresh entry needs no lease, which is dropped: who joined it meanwhile looks for itself, by its
// own rules.
Acquired CacheCore::FoundUnderLease(std::string_view key, const Lookup& lookup, const Query& query,
                                    Lease lease) {
  Hit hit = CountHit(key, Entry(lookup.entry), lookup.stale, lookup.in_memory);
  if (!lookup.stale || query.window != StaleWindow::kWhileRevalidate) return hit;
  return StaleHit{.hit = std::move(hit), .lease = std::move(lease)};
}

bool CacheCore::RunInBackground(std::function<void()> work) const {
  if (executor_ == nullptr) return false;
  try {
    (*executor_)(std::move(work));
    return true;
  } catch (...) {  // it takes no more work
    return false;
  }
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
  if (!flight.EndDue(now) || !flight.unstorable.ok()) return;  // nobody joins that anyway
  flights_->Detach(flight.key, flight.hash, flight.number + 1);
}

void CacheCore::SweepDeadlines() {
  if (!has_deadlines_.load(std::memory_order_relaxed)) return;
  const Duration now = system_clock_.SinceBoot();
  for (const std::shared_ptr<FlightState>& flight : flights_->Due(now)) EndIfDue(*flight, now);
}

void CacheCore::SetDeadline(FlightState& flight, Duration timeout) {
  if (timeout == kForever) return;
  flight.deadline = DeadlineAfter(timeout);
  flight.NoteDeadline(flight.deadline);
}

std::shared_ptr<FlightState> CacheCore::UnstorableFlight(std::string_view key, Status why,
                                                         Duration timeout) {
  const bool was_shut = why.code() == StatusCode::kUnavailable;  // who computes goes on
  auto flight = std::make_shared<FlightState>();
  Prepare(*flight, MissReason::kFault);
  flight->key = key;
  flight->number = ledger_->Last();
  flight->unstorable = std::move(why);
  SetDeadline(*flight, timeout);
  flights_->AddUnstorable(*flight);
  if (!was_shut && calls_.shut()) EndForClosing(*flight);  // it may have come just after
  return flight;
}

}  // namespace larder
