// Dates in header fields.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <optional>
#include <string>

#include "larder/clock.h"

namespace larder::client {

// All three forms of RFC 9110, section 5.6.7. nullopt: no date.
inline std::optional<TimePoint> ParseHttpDate(const std::string& text) {
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return TimePoint{std::chrono::seconds(seconds)};
}

}  // namespace larder::client
