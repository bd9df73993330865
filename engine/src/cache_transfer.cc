// Export and import of entries, one by one.
#include <algorithm>
#include <utility>

#include "cache_core.h"

namespace larder {
namespace {

// Read at once; handed over without a lock or an iterator held.
constexpr std::size_t kPageItems = 256;
// For room within max_disk_bytes, of 10 ms each.
constexpr int kMostWaits = 500;

ExportedEntry Exported(const ScanItem& item) {
  ExportedEntry exported{.key = item.key,
                         .body = std::string(item.entry.body()),
                         .metadata = std::string(item.entry.metadata()),
                         .created = item.entry.created(),
                         .fresh_until = item.entry.fresh_until(),
                         .expires = item.entry.expires(),
                         .stale_while_revalidate = item.entry.stale_while_revalidate(),
                         .stale_if_error = item.entry.stale_if_error(),
                         .negative = item.entry.negative(),
                         .compute_time = item.entry.compute_time(),
                         .cost_microusd = item.entry.cost_microusd()};
  for (const std::string_view tag : item.entry.tags()) exported.tags.emplace_back(tag);
  // Invalidated softly: its freshness has ended earlier than it was to.
  const Duration window = std::max(exported.stale_while_revalidate, exported.stale_if_error);
  if (exported.fresh_until != kNever) {
    exported.fresh_until = std::max(exported.fresh_until, exported.created);
    exported.expires = std::min(exported.expires, exported.fresh_until + window);
  }
  return exported;
}

bool TimesAreSound(const ExportedEntry& entry) {
  const auto [shorter, longer] = std::minmax(entry.stale_while_revalidate, entry.stale_if_error);
  if (entry.created < TimePoint{} || entry.created > entry.fresh_until ||
      entry.compute_time < Duration::zero() || shorter < Duration::zero() || longer > kLongest) {
    return false;
  }
  if (entry.fresh_until == kNever || entry.expires == kNever) {
    return entry.fresh_until == entry.expires;
  }
  return entry.fresh_until <= entry.expires && entry.expires - entry.fresh_until == longer &&
         entry.fresh_until - entry.created <= kLongest;
}

// Of the entry as it was given, on the way into `entry`.
void SetTimes(const ExportedEntry& given, TimePoint soft_end, EntryData& entry) {
  entry.created = std::min(given.created, entry.created);
  entry.fresh_until = given.fresh_until;
  entry.expires = given.expires;
  entry.stale_while_revalidate = given.stale_while_revalidate;
  entry.stale_if_error = given.stale_if_error;
  if (soft_end >= entry.fresh_until) return;
  entry.fresh_until = std::max(soft_end, entry.created);
  entry.expires = entry.fresh_until + std::max(entry.stale_while_revalidate, entry.stale_if_error);
}

}  // namespace

Result<std::uint64_t> CacheCore::Export(const ExportSink& sink) {
  std::uint64_t exported = 0;
  ScanOptions options{.limit = kPageItems};
  options.bodies = true;
  do {
    const Result<ScanPage> page = Scan(options);
    if (!page.ok()) return page.status();
    for (const ScanItem& item : page->items) {
      if (Status status = sink(Exported(item)); !status.ok()) return status;
      ++exported;
    }
    options.cursor = page->cursor;
  } while (!options.cursor.empty());
  return exported;
}

Result<ImportReport> CacheCore::Import(const ImportSource& source) {
  ImportReport report;
  while (true) {
    const Result<std::optional<ExportedEntry>> next = source();
    if (!next.ok()) return next.status();
    if (!next->has_value()) return report;
    const Result<PutOutcome> outcome = ImportOne(**next, report);
    if (!outcome.ok()) return outcome.status();
  }
}

// Whether what is live there was made at `created` or later. The caller holds the key's stripe.
bool CacheCore::IsAsNew(std::string_view key, TimePoint created) {
  PinnedRow row;
  if (supervisor_->Peek(key, row) != ReadOutcome::kFound) return false;
  RecordView record;
  if (DecodeRecord(key, row.bytes(), record) != RecordState::kOk) return false;
  return IsLive(key, record) && record.created >= created;
}

// Which of the report's numbers an entry counts under; an error ends the import.
Result<PutOutcome> CacheCore::ImportOne(const ExportedEntry& given, ImportReport& report) {
  WriteOptions options{.cost_microusd = given.cost_microusd,
                       .compute_time = given.compute_time,
                       .negative = given.negative,
                       .metadata = given.metadata};
  Status status = CheckWrite(given.key, given.body, options);
  // Those of a writer and of the readers that waited for it.
  if (status.ok()) status = CheckTags(given.tags, kMaxRecordTags);
  if (!status.ok() || !TimesAreSound(given)) {
    ++report.refused;
    return PutOutcome::kNotStored;
  }
  if (given.expires <= clock_->Now()) {
    ++report.expired;
    return PutOutcome::kNotStored;
  }
  const std::shared_ptr<EntryData> entry = MakeEntry(given.key, given.body, options, given.tags);
  SetTimes(given, kNever, *entry);
  const TimePoint began = entry->created - entry->compute_time;
  bool holds = true;
  // After it has its number: an invalidation that comes later covers it by that, and so does a
  // lease that is given out later; what an earlier one brings is newer than this.
  const Admission admit = [&] {
    if (IsAsNew(given.key, given.created)) return false;
    if (flights_->IsOpen(given.key, HotTier::HashKey(given.key))) return false;
    const Standing standing = ledger_->StandingOf(given.key, began, entry->tag_hashes);
    SetTimes(given, standing.fresh_until, *entry);
    return holds = standing.holds;
  };
  // It writes as fast as it can, so it waits where others would be refused for want of room.
  Result<PutOutcome> outcome = Write(given.key, entry, Numbered::kNow, admit);
  const auto no_room = [&outcome] {
    return outcome.status().code() == StatusCode::kResourceExhausted;
  };
  for (int waits = 0; waits < kMostWaits && no_room(); ++waits) {
    outcome = Write(given.key, entry, Numbered::kNow, admit);
  }
  if (no_room()) {
    ++report.refused;
    return PutOutcome::kNotStored;
  }
  if (!outcome.ok()) return outcome;
  const bool stored = *outcome == PutOutcome::kStored;
  ++(stored ? report.stored : holds ? report.superseded : report.invalidated);
  return outcome;
}

}  // namespace larder
