// History: what several threads did to one cache, each call with the stamps of its beginning and
// its end, and the check afterwards that every read was admissible. Order is known only where one
// call ended before another began; what overlaps may have happened either way.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cache_oracle.h"

namespace larder::testing {

using Stamp = std::uint64_t;

struct Span {
  Stamp call = 0;
  Stamp end = 0;
};

// A value's computation: a put, or from lease to commit.
struct Computation {
  std::uint64_t id = 0;
  std::string key = {};
  Tags tags = {};
  Span began = {};  // the put itself, or the call that gave the lease
  Span ended = {};  // the put itself, or the commit
  bool leased = false;
  bool led = false;  // the lease was no refresh, and all tags of its flight are known
  bool stored = false;
  std::uint64_t number = 0;
};

// An invalidation of tags, of a prefix or of everything, or a removal.
struct Covering {
  Span span = {};
  Tags tags = {};
  std::string key = {};
  std::string prefix = {};
  bool all = false;
  std::uint64_t number = 0;  // 0: not told
};

struct ReadValue {
  Span span = {};
  std::string key = {};
  Tags tags = {};  // of the read
  std::uint64_t id = 0;
  const char* how = "";
  bool followed = false;  // handed over by a flight, not by the store
};

// What one thread did.
struct ThreadHistory {
  std::vector<Computation> computations = {};
  std::vector<Covering> coverings = {};
  std::vector<ReadValue> reads = {};
  std::uint64_t misses = 0;
};

struct HistoryVerdict {
  std::vector<std::string> findings;
  std::uint64_t operations = 0;
  std::uint64_t reads = 0;
};

// `full_ledger`: the ledger may forget tags, so that whatever is invalidated may end any flight.
HistoryVerdict CheckHistory(const std::vector<ThreadHistory>& threads, bool full_ledger = false);

}  // namespace larder::testing
