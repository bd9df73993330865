// Touch: a new lifetime for what is live. It is not a new computation: the number stays.
//
// The row is read and written under the key's stripe, so no other writer comes between. Because
// the number stays, an invalidation that comes between, or a value that is being computed
// meanwhile, still counts as newer.
#include "cache_lookup.h"
#include "kill_point.h"

namespace larder {

Status CacheCore::Touch(std::string_view key, Duration ttl) {
  if (Status status = CheckKey(key); !status.ok()) return status;
  if (ttl < Duration::zero()) {
    return {StatusCode::kInvalidArgument,
            "a ttl of " + std::to_string(ttl.count()) + " ms is negative"};
  }
  const Status refusal(StatusCode::kUnavailable, "the store takes no values now");
  if (!supervisor_->EnterToStore(0)) return refusal;  // before it waits for nothing
  const std::uint64_t hash = HotTier::HashKey(key);
  // What reads find has to be there to be touched. An observer may be called by the very write that
  // it would wait for.
  if (unwritten_.load() != 0 && !ObserverCall::IsUnderway(this) &&
      IsUnwritten(*flights_, key, hash)) {
    static_cast<void>(write_queue_.Wait(internals_.close_patience));
    if (IsUnwritten(*flights_, key, hash)) {
      return {StatusCode::kUnavailable, "its value has not been written yet"};
    }
  }
  const Turnstile::Pass pass = supervisor_->EnterToStore(0);
  if (!pass) return refusal;
  const Writing writing(StripeOf(hash));
  PinnedRow row;
  switch (supervisor_->Get(key, row)) {
    case ReadOutcome::kUnknown:
    case ReadOutcome::kFault: return {StatusCode::kUnavailable, "the store could not be read"};
    case ReadOutcome::kAbsent:
    case ReadOutcome::kCorrupt:  // dropped by the next who reads it
      return {StatusCode::kNotFound, "nothing there to touch"};
    case ReadOutcome::kFound: break;
  }
  RecordView record;
  if (DecodeRecord(key, row.bytes(), record) != RecordState::kOk || !IsLive(key, record)) {
    return {StatusCode::kNotFound, "nothing live there to touch"};
  }
  const SpaceBudget::Room room = budget_.TryTakeRoom(key.size() + row.bytes().size());
  if (!room) return {StatusCode::kUnavailable, "there is no room to write it anew"};
  return WriteTouched(key, hash, record, ttl);
}

bool CacheCore::IsLive(std::string_view key, const RecordView& record) const {
  if (record.kind != RecordKind::kEntry || clock_->Now() >= record.expires) return false;
  std::vector<TagHash> hashes;
  HashTags(record, hashes);
  return ledger_->Holds(key, record.number, hashes);
}

// The caller holds the key's stripe.
Status CacheCore::WriteTouched(std::string_view key, std::uint64_t hash, RecordView record,
                               Duration ttl) {
  // What did not expire had no use for windows, and gets none.
  if (record.expires == kNever) {
    record.stale_while_revalidate = record.stale_if_error = Duration::zero();
  }
  const Duration stale = std::max(record.stale_while_revalidate, record.stale_if_error);
  record.fresh_until = record.expires = kNever;
  if (ttl <= kLongest) {
    // Not before it was created, where the cache's clock started anew behind it.
    record.fresh_until = std::max(clock_->Adopted() + ttl, record.created);
    record.expires = record.fresh_until + stale;
  }
  hot_tier_->Erase(key, hash);
  KillPoint("touch begun");
  const Status status =
      supervisor_->Put(key, EncodeRecord(key, record), options_.durability == Durability::kSync);
  KillPoint("touch stored");
  if (!status.ok()) {
    const bool behind = status.code() == StatusCode::kDeadlineExceeded;
    return {behind ? StatusCode::kResourceExhausted : StatusCode::kUnavailable, status.message()};
  }
  // What a flight brought that is still being written has the lifetime it had before.
  flights_->NoteReplaced(key, hash, record.number + 1);
  return Status::Ok();
}

}  // namespace larder
