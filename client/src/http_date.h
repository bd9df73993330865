// Dates in header fields.
#pragma once

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "larder/clock.h"

namespace larder::client {

// All three forms of RFC 9110, section 5.6.7. nullopt: no date. What is after the year 9999, which
// they cannot say, is its end.
inline std::optional<TimePoint> ParseHttpDate(const std::string& text) {
  constexpr time_t kEndOf9999 = 253'402'300'799;
  const time_t seconds = curl_getdate(text.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return TimePoint{std::chrono::seconds(std::min(seconds, kEndOf9999))};
}

}  // namespace larder::client
