// LedgerCopy: a ledger's journal, read whole: how two are made one for a restore.
#pragma once

#include <string>
#include <vector>

#include "journal.h"

namespace larder {

struct LedgerCopy {
  bool sound = false;  // there, and undamaged
  JournalHeader header;
  std::vector<JournalRecord> records;
};

// Errors: kUnavailable.
Result<LedgerCopy> ReadLedger(const std::string& path);
Status WriteLedger(const std::string& path, const LedgerCopy& ledger);

// `ledger` gets what `other` says, too. Both belong to one sequence of numbers: `other` is a later
// state of `ledger`.
void AddLedger(LedgerCopy& ledger, const LedgerCopy& other);
// The same, if the two had one beginning at most, and each has given out the same numbers since.
// What only `other` says then covers all that is numbered under the bound of `ledger`.
void AddLedgerOfOtherBranch(LedgerCopy& ledger, LedgerCopy other);

}  // namespace larder
