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

std::string_view TakeElement(std::string_view& rest) {
  std::size_t end = 0;
  while (end < rest.size() && rest[end] != ',') {
    if (rest[end] == '"') {
      std::size_t close = end + 1;
      while (close < rest.size() && rest[close] != '"') close += rest[close] == '\\' ? 2 : 1;
      if (close >= rest.size()) {
        end = std::min(rest.find(',', end), rest.size());
        break;
      }
      end = close;
    }
    ++end;
  }
  const std::string_view element = TrimBlanks(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
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
