// Explain: what a read would find, and why. Asks the same questions in the same order, and more.
#include "cache_lookup.h"
#include "varint.h"

namespace larder {

Explanation CacheCore::Explain(std::string_view key, const ReadOptions& options) {
  Explanation explanation;
  explanation.why = Why::kUnreachable;
  if (calls_.shut() || !CheckKey(key).ok()) return explanation;
  const std::uint64_t hash = HotTier::HashKey(key);
  // As Touch (cache_touch.cc): the row that reads find is looked at.
  const bool waits = unwritten_.load() != 0 && !ObserverCall::IsUnderway(this) &&
                     IsUnwritten(*flights_, key, hash) && supervisor_->EnterToRead();
  if (waits) static_cast<void>(write_queue_.Wait(internals_.close_patience));
  explanation.refused = refusals_.Of(hash);
  explanation.computing = flights_->IsOpen(key, hash);
  if (waits && IsUnwritten(*flights_, key, hash)) return explanation;
  const Turnstile::Pass pass = supervisor_->EnterToRead();
  if (!pass) return explanation;
  PinnedRow row;
  switch (supervisor_->Peek(key, row)) {
    case ReadOutcome::kUnknown:
    case ReadOutcome::kFault: return explanation;
    case ReadOutcome::kAbsent:
      explanation.why = recent_evictions_.Has(hash) ? Why::kEvicted : Why::kAbsent;
      return explanation;
    case ReadOutcome::kCorrupt: explanation.why = Why::kCorrupt; return explanation;
    case ReadOutcome::kFound: break;
  }
  RecordView record;
  switch (DecodeRecord(key, row.bytes(), record)) {
    case RecordState::kCorrupt: explanation.why = Why::kCorrupt; return explanation;
    case RecordState::kUnknown: explanation.why = Why::kUnknown; return explanation;
    case RecordState::kOk: break;
  }
  explanation.number = record.number;
  if (record.kind == RecordKind::kTombstone) {
    explanation.why = record.cause == TombstoneCause::kRemoved   ? Why::kRemoved
                      : record.cause == TombstoneCause::kCorrupt ? Why::kCorrupt
                      : record.cause == TombstoneCause::kEvicted ? Why::kEvicted
                                                                 : Why::kReclaimed;
    return explanation;
  }
  ExplainEntry(key, record, options, explanation);
  return explanation;
}

void CacheCore::ExplainEntry(std::string_view key, const RecordView& record,
                             const ReadOptions& options, Explanation& explanation) const {
  std::vector<std::string> tags = options.tags;
  std::string_view rest = record.tags;
  std::string_view tag;
  while (ReadLengthPrefixed(rest, tag)) tags.emplace_back(tag);
  explanation.created = record.created;
  explanation.expires = record.expires;
  explanation.fresh_until = record.fresh_until;
  explanation.negative = record.negative;
  if (const std::optional<Cover> cover = ledger_->CoverOf(key, record.number, tags, false)) {
    explanation.why = cover->kind == Rule::Kind::kTag      ? Why::kTag
                      : cover->kind == Rule::Kind::kPrefix ? Why::kPrefix
                                                           : Why::kEverything;
    explanation.rule = cover->name;
    explanation.rule_number = cover->number;
    return;
  }
  if (const std::optional<Cover> cover = ledger_->CoverOf(key, record.number, tags, true)) {
    explanation.rule = cover->name;
    explanation.rule_number = cover->number;
    explanation.fresh_until = std::min(record.fresh_until, cover->time);
  }
  const TimePoint now = clock_->Now();
  explanation.why = now >= record.expires             ? Why::kExpired
                    : now >= *explanation.fresh_until ? Why::kStale
                                                      : Why::kFresh;
}

}  // namespace larder
