#include "larder/client/units.h"

#include <charconv>
#include <optional>
#include <span>
#include <string>

namespace larder::client {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr Unit kDurationUnits[] = {
    {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000},
};
constexpr Unit kSizeUnits[] = {
    {"", 1},
    {"B", 1},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"KiB", std::uint64_t{1} << 10},
    {"MiB", std::uint64_t{1} << 20},
    {"GiB", std::uint64_t{1} << 30},
    {"TiB", std::uint64_t{1} << 40},
};

// A thousand years: far enough for anyone, and now() plus it fits any representation of time.
constexpr std::uint64_t kLongestMs = std::uint64_t{1000} * 365 * 86'400'000;

// A whole number followed by one of `units`, times its factor; nullopt if it is not that, or
// more than `limit`.
std::optional<std::uint64_t> ParseScaled(std::string_view text, std::span<const Unit> units,
                                         std::uint64_t limit) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix(rest, static_cast<std::size_t>(end - rest));
  for (const Unit& unit : units) {
    if (unit.suffix != suffix) continue;
    if (number > limit / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

// Quotes what was found, unless it is so long that it is hardly a mistyped value.
std::string Quoted(std::string_view text) {
  constexpr std::size_t kMost = 40;
  if (text.size() > kMost) return "a text of " + std::to_string(text.size()) + " bytes";
  return "\"" + std::string(text) + "\"";
}

}  // namespace

Result<Duration> ParseDuration(std::string_view text) {
  if (text == "never") return kForever;
  if (const auto ms = ParseScaled(text, kDurationUnits, kLongestMs)) {
    return Duration(static_cast<Duration::rep>(*ms));
  }
  return Status(StatusCode::kInvalidArgument,
                Quoted(text) +
                    " is not a duration: a whole number with ms, s, m, h or d (without: seconds) "
                    "up to 365000d, or \"never\"");
}

Result<std::uint64_t> ParseSize(std::string_view text) {
  if (const auto bytes = ParseScaled(text, kSizeUnits, UINT64_MAX)) return *bytes;
  return Status(StatusCode::kInvalidArgument,
                Quoted(text) +
                    " is not a size: a whole number with KB, MB, GB, TB, KiB, MiB, GiB or TiB "
                    "(without: bytes)");
}

}  // namespace larder::client
