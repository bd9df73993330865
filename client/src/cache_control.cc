#include "cache_control.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "ascii.h"

namespace larder::client {
namespace {

// RFC 9111, section 1.2.2: what a cache takes a number of seconds to be that it cannot hold.
constexpr std::int64_t kMostSeconds = std::int64_t{1} << 31;

}  // namespace

// Where the element goes on behind the quoted text that begins at `open`, or where it ends.
std::size_t ListElements::AfterQuote(std::size_t open) {
  if (quotes_close_) {
    std::size_t close = open + 1;
    while (close < rest_.size() && rest_[close] != '"') close += rest_[close] == '\\' ? 2 : 1;
    if (close < rest_.size()) return close + 1;
    quotes_close_ = false;
  }
  return std::min(rest_.find(',', open), rest_.size());
}

std::string_view ListElements::Take() {
  std::size_t end = 0;
  while (end < rest_.size() && rest_[end] != ',') {
    end = rest_[end] == '"' ? AfterQuote(end) : end + 1;
  }
  const std::string_view element = TrimBlanks(rest_.substr(0, end));
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  return element;
}

CacheDirective ParseDirective(std::string_view element) {
  const std::size_t equals = std::min(element.find('='), element.size());
  CacheDirective directive;
  directive.name = LowerAscii(TrimBlanks(element.substr(0, equals)));
  directive.has_value = equals < element.size();
  if (directive.has_value) directive.value = TrimBlanks(element.substr(equals + 1));
  return directive;
}

std::optional<Duration> ParseDeltaSeconds(std::string_view value) {
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  const bool digits = !value.empty() && std::all_of(value.begin(), value.end(),
                                                    [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) return std::nullopt;
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || seconds > kMostSeconds) seconds = kMostSeconds;
  return std::chrono::seconds(seconds);
}

}  // namespace larder::client
