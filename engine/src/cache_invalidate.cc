// Removals and invalidations, and what to do about corrupt records, which may have been removals.
#include <chrono>
#include <thread>
#include <utility>

#include "cache_core.h"
#include "invalidation_time.h"
#include "journal.h"
#include "kill_point.h"

namespace larder {
namespace {

constexpr std::chrono::milliseconds kPauseBetweenTries{5};
constexpr int kMostTries = 1000;
// Rules whose journal is worth announcing: fewer have their room in the budget's slack until it is
// measured again.
constexpr std::size_t kMany = 1024;

// Appends what `one` covers.
Status AddRules(const Invalidation& one, std::vector<Rule>& rules) {
  if (Status status = CheckTags(one.tags); !status.ok()) return status;
  if (Status status = CheckPrefixes(one.prefixes); !status.ok()) return status;
  if (one.tags.empty() && one.prefixes.empty() && !one.all) {
    return {StatusCode::kInvalidArgument, "nothing to invalidate: neither tags, prefixes nor all"};
  }
  for (const std::string& tag : one.tags) {
    rules.push_back({.kind = Rule::Kind::kTag, .soft = one.soft, .tag = HashTag(tag)});
  }
  for (const std::string& prefix : one.prefixes) {
    rules.push_back({.kind = Rule::Kind::kPrefix, .soft = one.soft, .tag = 0, .prefix = prefix});
  }
  if (one.all) rules.push_back({.kind = Rule::Kind::kAll, .soft = one.soft});
  return Status::Ok();
}

// That these may add to the journal, or to the one that takes its place.
std::uint64_t JournalBytes(const std::vector<Rule>& rules) {
  std::uint64_t prefixes = 0;
  std::uint64_t prefix_bytes = 0;
  for (const Rule& rule : rules) {
    prefixes += rule.kind == Rule::Kind::kPrefix ? 1 : 0;
    prefix_bytes += rule.prefix.size();
  }
  return Journal::BytesAfterRewrite(rules.size() + Journal::MostCells(prefixes, prefix_bytes), 0);
}

}  // namespace

Status AsUnavailable(Status status) {
  if (status.ok()) return status;
  return {StatusCode::kUnavailable, status.message()};
}

// The caller holds the key's stripe: no value is written between the tombstone and the detaching.
// That comes last, since a store that is behind with its merges refuses try after try, and each
// would have another caller compute what one computes already. A flight that ends between two tries
// is written, and the tombstone of the next replaces it.
Status CacheCore::WriteTombstone(std::string_view key, TombstoneCause cause, StoreMark* synced) {
  const std::uint64_t number = ledger_->Next();
  if (!ledger_->IsReserved(number)) {
    return {StatusCode::kUnavailable, "the journal cannot be written"};
  }
  const std::uint64_t hash = HotTier::HashKey(key);
  hot_tier_->Erase(key, hash);
  KillPoint("tombstone numbered");
  const std::string record = EncodeTombstone(key, number, cause);
  const Status status = synced != nullptr ? supervisor_->PutSynced(key, record, *synced)
                                          : supervisor_->Put(key, record, false);
  if (status.code() == StatusCode::kDeadlineExceeded) return status;  // nothing was written
  flights_->Detach(key, hash, number);
  if (status.ok()) return status;
  return {StatusCode::kUnavailable, status.message()};
}

// While the store is behind with its merges it waits outside, where it keeps nobody out and does
// not look like a call that hangs.
Status CacheCore::RemovePatiently(std::string_view key) {
  const Gate::Pass call = calls_.Enter();
  if (!call) return {StatusCode::kUnavailable, "the cache is closed"};
  Status status = TryRemove(key);
  for (int tries = 1; status.code() == StatusCode::kDeadlineExceeded; ++tries) {
    if (tries == kMostTries) return {StatusCode::kUnavailable, status.message()};
    std::this_thread::sleep_for(kPauseBetweenTries);
    status = TryRemove(key);
  }
  return status;
}

Status CacheCore::Remove(std::string_view key) {
  if (Status status = CheckKey(key); !status.ok()) return status;
  const Status status = RemovePatiently(key);
  if (status.ok()) Tell([&](Observer& o) { o.OnInvalidated({.removed = key}); });
  return status;
}

Status CacheCore::TryRemove(std::string_view key) {
  // Beside a backup no merge makes up for what removals take.
  std::optional<SpaceBudget::Room> room;
  if (copies_.any()) {
    room.emplace(budget_.TryTakeReserve(key.size()));
    if (!*room) {
      if (copies_.GiveUp()) Log(LogLevel::kWarning, "a removal ends a backup: it needs its room");
      return {StatusCode::kDeadlineExceeded, "there is no room on disk beside a backup"};
    }
  }
  const Turnstile::Pass pass = supervisor_->EnterToRemove();
  if (!pass) return {StatusCode::kUnavailable, "the store takes no removals now"};
  StoreMark mark;
  {
    const Writing writing(StripeOf(HotTier::HashKey(key)));
    if (Status status = WriteTombstone(key, TombstoneCause::kRemoved, &mark); !status.ok())
      return status;
  }
  KillPoint("tombstone synced");
  counters_.Add(Counter::kRemoved);
  return AsUnavailable(ledger_->NoteSynced(mark));
}

// A reader met a corrupt record. Its number is lost, and it may have been a removal, so a
// tombstone takes its place: values being computed now are refused, later ones are welcome.
void CacheCore::DropCorrupt(std::string_view key, std::uint64_t hash) {
  const Turnstile::Pass pass = supervisor_->EnterToRemove();
  if (!pass) return;  // met again when the store takes writes
  {
    const Writing writing(StripeOf(hash));
    std::optional<Popularity> unused;
    if (Compare(key, 0, unused) != Precedence::kCorrupt) return;
    static_cast<void>(WriteTombstone(key, TombstoneCause::kCorrupt, nullptr));
  }
  Log(LogLevel::kWarning, "dropped a corrupt record");
}

Result<std::uint64_t> CacheCore::Invalidate(std::span<const Invalidation> what) {
  std::vector<Rule> rules;
  for (const Invalidation& one : what) {
    if (Status status = AddRules(one, rules); !status.ok()) return status;
  }
  if (rules.empty()) return Status(StatusCode::kInvalidArgument, "nothing to invalidate");
  Result<std::uint64_t> number = Status(StatusCode::kUnavailable, "the cache is closed");
  {
    const Gate::Pass pass = calls_.Enter();
    if (!pass) return number;
    counters_.Add(Counter::kInvalidated, what.size());
    if (rules.size() >= kMany) budget_.ExpectOther(JournalBytes(rules));
    number = ledger_->Invalidate(rules, [this] { return TimeOfInvalidation(*clock_); });
  }
  Tell([&](Observer& o) { o.OnInvalidated({.what = what, .number = number.ok() ? *number : 0}); });
  if (!number.ok()) return AsUnavailable(number.status());
  return number;
}

}  // namespace larder
