#include "retry_after.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

#include "ascii.h"
#include "http_date.h"

namespace larder::client {
namespace {

constexpr Duration kYear = std::chrono::hours(24 * 365);

std::optional<Duration> Milliseconds(double count) {
  if (!std::isfinite(count) || count < 0) return std::nullopt;
  return std::min(kYear, Duration(static_cast<Duration::rep>(std::min(count, 1e15))));
}

std::optional<double> Number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Duration> Until(const std::string& date, TimePoint now) {
  const std::optional<TimePoint> at = ParseHttpDate(date);
  return !at || *at < now ? std::nullopt : std::optional(std::min(kYear, *at - now));
}

}  // namespace

std::optional<Duration> RetryAfter(const Headers& headers, TimePoint now) {
  if (const std::string* field = headers.Find("retry-after-ms")) {
    const std::optional<double> count = Number(TrimBlanks(*field));
    const auto delay = count ? Milliseconds(*count) : std::nullopt;
    if (delay) return delay;
  }
  const std::string* field = headers.Find("retry-after");
  if (field == nullptr) return std::nullopt;
  const std::string text(TrimBlanks(*field));
  if (const std::optional<double> count = Number(text)) return Milliseconds(*count * 1000);
  return Until(text, now);
}

}  // namespace larder::client
