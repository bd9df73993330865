// What may come back into a cache from outside: by import, and by restoring a backup.
#include <algorithm>

#include "cache_oracle.h"

namespace larder::testing {

CacheOracle::Import CacheOracle::MayImport(const std::string& key, TimePoint created,
                                           TimePoint began, const Tags& tags, TimePoint now) const {
  Import may;
  const auto row = rows_.find(key);
  if (row != rows_.end()) {
    may.superseded = Visible(row->second, now);
    if (row->second.id != 0 && values_.at(row->second.id).created < created) {
      may.superseded = Certainty::kNo;
    }
  }
  const Tags names = WithPrefixesOf(key, tags);
  const bool may_forget = LedgerMayForget(0);
  may.holds = perhaps_invalidated_.empty() && perhaps_invalidated_all_ == 0 && !may_forget
                  ? Certainty::kYes
                  : Certainty::kMaybe;
  for (const auto& [what, times] : times_) {
    if (what != "all" && names.count(what.substr(4)) == 0) continue;
    for (const TimePoint time : times) {
      if (time > began) may.holds = Certainty::kNo;
      // Dated so much later, for the sake of clocks that lag.
      const bool perhaps = time + std::chrono::seconds(2) >= began;
      if (perhaps && may.holds == Certainty::kYes) may.holds = Certainty::kMaybe;
    }
  }
  may.softened = SoftenedIf([&](const Soft& soft) { return soft.time >= began; }, names);
  return may;
}

void CacheOracle::Restore(const CacheOracle& saved, bool ledger_kept) {
  rows_ = durable_rows_ = saved.rows_;
  log_.clear();
  if (ledger_kept) return;
  invalidated_ = saved.invalidated_;
  invalidated_all_ = saved.invalidated_all_;
  softened_ = saved.softened_;
  times_ = saved.times_;
  perhaps_invalidated_ = saved.perhaps_invalidated_;
  perhaps_invalidated_all_ = saved.perhaps_invalidated_all_;
  // Of what was numbered since then nothing is left.
  numbers_.erase(numbers_.upper_bound(saved.instant_), numbers_.end());
}

void CacheOracle::LoseRows() {
  rows_.clear();
  durable_rows_.clear();
  log_.clear();
}

void CacheOracle::PerhapsInvalidateAll() {
  NoteUncertain({.invalidated_all = true, .at = Tick()});
  for (auto& [what, softs] : softened_) {
    for (Soft& soft : softs) soft.certain = false;
  }
}

void CacheOracle::ForgetLedger() {
  times_.clear();
  softened_.clear();
}

}  // namespace larder::testing
