#include "human_units.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iterator>

namespace larder::cachectl {
namespace {

std::string Decimal(double value, int digits, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f %s", digits, value, unit);
  return text;
}

struct TimeUnit {
  std::int64_t ms;
  const char* name;
};

constexpr TimeUnit kTimeUnits[] = {
    {86'400'000, " d"}, {3'600'000, " h"}, {60'000, " min"}, {1000, " s"}};

}  // namespace

std::string ShowCount(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string ShowBytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return Decimal(value, 1, kUnits[unit]);
}

std::string ShowMs(std::int64_t ms) {
  if (ms < 0) return "-" + ShowMs(-ms);
  if (ms < 1000) return std::to_string(ms) + " ms";
  if (ms < 60'000) return Decimal(static_cast<double>(ms) / 1000, 1, "s");
  std::string text;
  int parts = 0;
  for (const TimeUnit& unit : kTimeUnits) {
    const std::int64_t count = ms / unit.ms;
    if (count == 0 && parts == 0) continue;
    ms %= unit.ms;
    if (count > 0) text += (text.empty() ? "" : " ") + std::to_string(count) + unit.name;
    if (++parts == 2) break;
  }
  return text;
}

std::string ShowDate(std::int64_t unix_ms) {
  const std::time_t seconds = unix_ms / 1000;
  std::tm parts = {};
  char text[64];
  if (::gmtime_r(&seconds, &parts) == nullptr) return std::to_string(unix_ms) + " ms since 1970";
  std::strftime(text, sizeof(text), "%F %T UTC", &parts);
  return text;
}

std::string ShowMicroUsd(std::uint64_t microusd) {
  return Decimal(static_cast<double>(microusd) / 1e6, 6, "USD");
}

std::string ShowShare(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return Decimal(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1, "%");
}

std::string ShowPressure(std::uint64_t pressure) {
  constexpr const char* kNames[] = {"calm", "near the budget", "evicting", "sweeping",
                                    "refusing values"};
  return kNames[std::min<std::uint64_t>(pressure, std::size(kNames) - 1)];
}

}  // namespace larder::cachectl
