// UpstreamFreshness: what an answer's header says of keeping it (RFC 9111, RFC 5861).
#pragma once

#include <optional>

#include "larder/client/message.h"
#include "larder/clock.h"

namespace larder::client {

struct FreshnessContext {
  // Only the holder of the credentials that asked gets the answer again: what a private cache may
  // keep may be kept.
  bool is_private = false;
  TimePoint now;     // when the answer was complete, on the wall
  Duration took{0};  // from the request until then
};

struct UpstreamFreshness {
  // It must not be kept: no-store, no-cache (which would have to be asked about before each use),
  // or private, where that is not for us.
  bool forbidden = false;
  // How much longer it is fresh; 0 = it came stale. Unset: it does not say.
  std::optional<Duration> ttl;
  // Windows after that, which must-revalidate closes.
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
};

// Never fails: what is malformed counts as stale. Of what is said twice the stricter holds.
UpstreamFreshness ReadFreshness(const Headers& headers, const FreshnessContext& context);

}  // namespace larder::client
