#include "ledger_copy.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

namespace larder {

Result<LedgerCopy> ReadLedger(const std::string& path) {
  LedgerCopy ledger;
  Journal journal(JournalFiles::System(), path, 1);
  const Result<JournalContents> contents =
      journal.Read([&](const JournalRecord& record) { ledger.records.push_back(record); });
  if (!contents.ok()) return contents.status();
  ledger.sound = contents->found && contents->damage.empty();
  ledger.header = contents->header;
  return ledger;
}

Status WriteLedger(const std::string& path, const LedgerCopy& ledger) {
  Journal journal(JournalFiles::System(), path, 1);
  return journal.Rewrite(ledger.header, [&](const Journal::RecordSink& sink) {
    std::for_each(ledger.records.begin(), ledger.records.end(), sink);
  });
}

void AddLedger(LedgerCopy& ledger, const LedgerCopy& other) {
  ledger.header.number_bound = std::max(ledger.header.number_bound, other.header.number_bound);
  // Records only ever raise what earlier ones say.
  ledger.records.insert(ledger.records.end(), other.records.begin(), other.records.end());
}

// Both have what is the same to the millisecond from before they parted. The rest keeps its order,
// by which times are looked up, and numbers that differ.
void AddLedgerOfOtherBranch(LedgerCopy& ledger, LedgerCopy other) {
  const auto order = [](const JournalRecord& a, const JournalRecord& b) {
    return std::tie(a.number, a.kind, a.value, a.prefix, a.time) <
           std::tie(b.number, b.kind, b.value, b.prefix, b.time);
  };
  std::vector<JournalRecord> known = ledger.records;
  std::sort(known.begin(), known.end(), order);
  std::erase_if(other.records, [&](const JournalRecord& record) {
    return std::binary_search(known.begin(), known.end(), record, order);
  });
  std::map<std::uint64_t, std::uint64_t> raised;
  for (const JournalRecord& record : other.records) raised[record.number] = 0;
  std::uint64_t next = ledger.header.number_bound;
  for (auto& [from, to] : raised) {
    to = std::max(from, next);
    next = to + 1;
  }
  for (JournalRecord& record : other.records) record.number = raised[record.number];
  other.header.number_bound = std::max(other.header.number_bound, next);
  AddLedger(ledger, other);
}

}  // namespace larder
