// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace larder::cachectl {

std::string ShowCount(std::uint64_t count);                      // 12,345
std::string ShowBytes(std::uint64_t bytes);                      // 1.5 MiB
std::string ShowMs(std::int64_t ms);                             // 1.5 s, 2 h 5 min
std::string ShowDate(std::int64_t unix_ms);                      // 2026-11-26 19:17:08 UTC
std::string ShowMicroUsd(std::uint64_t microusd);                // 1.234567 USD
std::string ShowShare(std::uint64_t part, std::uint64_t whole);  // 75.0 %
// Of Stats::space_pressure: calm, ..., refusing values.
std::string ShowPressure(std::uint64_t pressure);

}  // namespace larder::cachectl
