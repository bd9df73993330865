// CacheOutcome: what the cache did for one request, and its form as a Cache-Status field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "larder/clock.h"

namespace larder::client {

// Why a request went upstream; the values of Cache-Status `fwd` that Larder uses.
enum class Forward { kNone, kMiss, kStale, kRequest, kPartial, kBypass };

struct CacheOutcome {
  Forward forward = Forward::kNone;  // kNone = a hit
  bool stored = false;
  bool collapsed = false;
  std::optional<Duration> ttl;  // hits: freshness left, negative when stale
  std::optional<Duration> age;  // hits
  std::string key;              // 64 hex digits; empty where there is none
  std::optional<int> forward_status;
  std::string explanation;  // why it went upstream, in words, where Larder-Explain asked for it
  std::string detail;       // a token: "stateful", "not-i-json", "no-usage", ...
  std::optional<std::uint64_t> saved_microusd;  // hits, where a price is known
  std::optional<Duration> saved_time;           // hits
  std::uint64_t saved_input_tokens = 0;         // hits, where the answer said
  std::uint64_t saved_output_tokens = 0;

  bool hit() const { return forward == Forward::kNone; }
};

// `larder; hit; ttl=3540; key="..."` (RFC 9211), without the field name.
std::string FormatCacheStatus(const CacheOutcome& outcome);
// `microusd=4200, ms=1830`, or empty if nothing is known. The value of Larder-Saved.
std::string FormatSaved(const CacheOutcome& outcome);

}  // namespace larder::client
