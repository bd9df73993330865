// Explanation: why a key is a hit, or a miss, as far as the cache can know.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "larder/clock.h"

namespace larder {

enum class Why {
  kFresh,
  kStale,   // a hit only for those who accept that
  kAbsent,  // never written, or its row was reclaimed, or a write of it was lost
  kExpired,
  kRemoved,  // by request
  kTag,      // invalidated
  kPrefix,
  kEverything,   // invalidated as a whole, or older than the cache can tell apart
  kReclaimed,    // expired or invalid, and its row is gone
  kEvicted,      // for want of space; of the latest few thousand, since the cache was opened
  kCorrupt,      // its row is damaged, or was and has been dropped
  kUnknown,      // written by a build that this one does not understand
  kUnreachable,  // the store cannot be read now
};

// All of it is known after a restart, too, but for kEvicted, `refused` and `computing`.
struct Explanation {
  Why why = Why::kAbsent;
  // Of the entry, the removal or the marker that stands at the key; 0 if there is none.
  std::uint64_t number = 0;
  // What invalidated it, or ended its freshness: a tag, or a prefix; and that invalidation's
  // number.
  std::string rule = {};
  std::uint64_t rule_number = 0;
  // Of the entry, where there is one.
  std::optional<TimePoint> created = {};
  std::optional<TimePoint> fresh_until = {};  // kNever: does not end
  std::optional<TimePoint> expires = {};
  bool negative = false;
  // Somebody computes it now.
  bool computing = false;
  // Why the latest write of this key that was refused, was. Among the latest few thousand of all
  // keys since the cache was opened; empty otherwise.
  std::string refused = {};

  // One sentence, lower case, without the key.
  std::string ToString() const;
};

}  // namespace larder
