// State: what the cache keeps beside its rows: identity, time anchor, counters. One small
// checksummed file, replaced whole (write, sync, rename), at open, once a minute and at close.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cache_clock.h"
#include "larder/status.h"

namespace larder {

struct State {
  // 16 random bytes that all directories of one lineage have, then marks of 8 random bytes, the
  // latest last: one that each store without rows begins with, and one for each backup and restore
  // since. A directory with a backup's latest mark has all that came before that mark.
  std::string store_id;
  std::string secret;  // 32 random bytes, Cache::StoreSecret
  ClockAnchor anchor;
  std::uint64_t number_bound = 0;       // Ledger::NumberBound, should the journal be lost
  std::vector<std::uint64_t> counters;  // by position, in the order of counters.h
};

// kNotFound: there is none. kDataLoss: there is one, but it cannot be trusted.
Status ReadState(const std::string& path, State& state);
// Mode 0600: the secret is in it.
Status WriteState(const std::string& path, const State& state);
// A fresh identity.
State NewState();
bool IsSameLineage(const State& a, const State& b);
// A single mark, which no other directory has.
void RenewHistory(State& state);
// The others go.
void KeepLatestMark(State& state);
// One more. The oldest go: backups from before the latest 512 count as of another history.
void AddMark(State& state);
// Eight bytes, that no other state has as its latest.
std::string_view LatestMark(const State& state);
// Whether the latest mark of `earlier`, a backup, is among those of `state`, of one lineage.
bool HasMarkOf(const State& state, const State& earlier);

}  // namespace larder
