// What the Cache-Control fields of requests and of answers have in common (RFC 9111, section 5.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "larder/clock.h"

namespace larder::client {

// The next element of a comma-separated list, taken off `rest`, without blanks around it; commas
// within quotes are part of it. A quote that is never closed ends at the next comma, so that what
// follows still counts.
std::string_view TakeElement(std::string_view& rest);

struct CacheDirective {
  std::string name;  // in lower case
  bool has_value = false;
  std::string_view value = {};  // of `element`, quotes and all
};
CacheDirective ParseDirective(std::string_view element);

// `3600` or `"3600"` (senders must not quote it, but caches should understand it). More than
// 2^31 is that.
std::optional<Duration> ParseDeltaSeconds(std::string_view value);

}  // namespace larder::client
