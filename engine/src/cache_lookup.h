// What a read asks and finds, inside CacheCore.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "cache_core.h"

namespace larder {

// A ReadOptions made ready: tags hashed, kRefresh resolved, time read: at first, and anew when the
// store has answered.
struct CacheCore::Query {
  std::vector<TagHash> tags;
  std::optional<Duration> max_age;
  Duration max_stale{0};
  StaleWindow window = StaleWindow::kNone;
  std::uint64_t newer_than = 0;
  TimePoint now{};
  bool peek = false;  // leaves no trace
  bool no_disk = false;
  bool bodies = true;
};

// An entry found, or why there is none.
struct CacheCore::Lookup {
  std::shared_ptr<const EntryData> entry;
  bool stale = false;
  bool in_memory = false;
  bool unknown = false;         // of a query without the disk: only that can tell
  std::uint64_t raw_bytes = 0;  // if read from the store
  Popularity popularity = {};   // likewise
  MissReason miss = MissReason::kAbsent;
};

// What decides whether an entry may be used, of a record or of an entry in memory.
struct CacheCore::Facts {
  std::uint64_t number;
  TimePoint created;
  TimePoint fresh_until;  // or when a soft invalidation ended that
  TimePoint expires;
  Duration stale_while_revalidate;
  Duration stale_if_error;
};

// Whether a read finds a value of this key that is handed out and not in the store yet.
inline bool IsUnwritten(const FlightTable& flights, std::string_view key, std::uint64_t hash) {
  const std::shared_ptr<FlightState> flight = flights.Find(key, hash);
  if (flight == nullptr || flights.IsReplaced(*flight)) return false;
  const std::optional<FlightEnd> end = flight->end();
  return end.has_value() && end->entry.has_value();
}

}  // namespace larder
