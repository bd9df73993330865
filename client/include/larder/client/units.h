// Durations and sizes as people write them, in config.json, in headers and on command lines.
#pragma once

#include <cstdint>
#include <string_view>

#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// "500ms", "30s", "5m", "24h", "7d"; a plain number counts seconds; "never" is kForever.
// Whole numbers only, no sign, no space. Errors: kInvalidArgument, naming what is allowed; also
// for more than a thousand years, so that times computed from it cannot overflow.
Result<Duration> ParseDuration(std::string_view text);

// "64MiB", "10GB" (KB MB GB TB are powers of 1000, KiB MiB GiB TiB of 1024), or plain bytes.
// Errors: kInvalidArgument, naming what is allowed; also for what 64 bits cannot hold.
Result<std::uint64_t> ParseSize(std::string_view text);

}  // namespace larder::client
