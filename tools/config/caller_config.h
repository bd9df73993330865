// CallerConfig: one of gateway.clients, somebody who has a key of the gateway's own.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "larder/client/config_document.h"
#include "larder/result.h"

namespace larder::tools {

struct CallerConfig {
  std::string name;
  std::array<unsigned char, 32> key_sha256 = {};  // of the key; nobody stores the key itself
  std::string name_space;                         // its name if not said
  std::vector<std::string> providers;             // patterns; empty = all
  std::vector<std::string> models;                // patterns; empty = all
  std::uint64_t requests_per_minute = 0;          // 0 = any number
  std::optional<std::uint64_t> microusd_per_day;  // none = any amount
};

// Errors: kInvalidArgument (a hash that is none, two of the same, a namespace with a slash).
Result<std::vector<CallerConfig>> ReadCallers(const client::ConfigDocument& document);

}  // namespace larder::tools
