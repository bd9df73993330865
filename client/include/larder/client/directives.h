// Directives: what a caller asks of the cache, from Cache-Control and Larder-* headers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

class Headers;

// Of what a caller names; an entry may carry more (engine: kMaxTags).
inline constexpr std::size_t kMaxCallerTags = 32;
inline constexpr std::size_t kMaxCallerTagBytes = 256;

struct Directives {
  // Cache-Control (RFC 9111, section 5.2.1); no_store is stricter here: neither read nor write.
  bool no_cache = false;
  bool no_store = false;
  bool only_if_cached = false;
  std::optional<Duration> max_age;
  std::optional<Duration> min_fresh;
  std::optional<Duration> max_stale;  // kForever for a bare max-stale

  std::optional<Duration> ttl;     // Larder-TTL
  std::vector<std::string> tags;   // Larder-Tags
  std::string name_space;          // Larder-Namespace
  std::uint32_t sample = 0;        // Larder-Sample
  bool explain = false;            // Larder-Explain: say why it missed
  std::optional<std::string> key;  // Larder-Key: stands in for the body in the request key
};

// Reads `cache-control` and `larder-*`. A malformed Cache-Control counts as no-cache.
// Errors: kInvalidArgument for a malformed or unknown Larder-* field, naming the nearest known.
Result<Directives> ParseDirectives(const Headers& headers);

// A tag as Larder-Tags takes it: not empty, not too long, without control characters.
bool IsCallerTag(std::string_view tag);

// Removes the fields that ParseDirectives reads and that are not meant for the upstream
// (Larder-*; Cache-Control is sent on).
void RemoveDirectives(Headers& headers);

}  // namespace larder::client
