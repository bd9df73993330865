// RetryAfter: how long an answer asks its callers to wait before they try again.
#pragma once

#include <optional>

#include "larder/client/message.h"
#include "larder/clock.h"

namespace larder::client {

// `retry-after-ms`, else `retry-after` in seconds or as a date, which counts from `now`. nullopt:
// neither says anything that can be meant: not a number or date, negative, past, not finite.
// More than a year is a year.
std::optional<Duration> RetryAfter(const Headers& headers, TimePoint now);

}  // namespace larder::client
