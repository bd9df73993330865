// Entries on their way out of a cache and into another: Cache::Export and Cache::Import.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "larder/clock.h"
#include "larder/result.h"
#include "larder/status.h"

namespace larder {

// An entry with all that is known of it but its number, which means nothing in another cache.
struct ExportedEntry {
  std::string key = {};
  std::string body = {};
  std::string metadata = {};
  std::vector<std::string> tags = {};
  TimePoint created{};
  TimePoint fresh_until = kNever;
  TimePoint expires = kNever;
  // The longer of the two ends at `expires`.
  Duration stale_while_revalidate{0};
  Duration stale_if_error{0};
  bool negative = false;
  Duration compute_time{0};
  std::uint64_t cost_microusd = 0;
};

// Takes the entries one by one; anything but ok ends the export with it.
using ExportSink = std::function<Status(const ExportedEntry&)>;
// Gives the entries one by one, nullopt at the end; an error ends the import with it.
using ImportSource = std::function<Result<std::optional<ExportedEntry>>()>;

struct ImportReport {
  std::uint64_t stored = 0;
  std::uint64_t expired = 0;     // past their hard expiry: skipped
  std::uint64_t superseded = 0;  // here is an entry that is as new or newer: skipped
  // Its computation began before an invalidation here that covers it, or nobody knows that it did
  // not: skipped. (What was only removed by its key is written anew, as a put would.)
  std::uint64_t invalidated = 0;
  std::uint64_t refused = 0;  // over a limit of this cache, or malformed: skipped
};

}  // namespace larder
