// What doctor can say of a cache's directory from outside, whoever has it open.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "finding.h"

namespace larder::cachectl {

// Adds findings on the directory, its modes and formats, its holder, the quarantine. False: what is
// there must not be opened, or is no cache.
bool CheckDirectory(const std::string& directory, Findings& findings);

// Space on the volume for a cache of `used_bytes` that may grow to `max_disk_bytes` (if that is
// known).
void CheckSpace(const std::string& directory, std::uint64_t used_bytes,
                std::optional<std::uint64_t> max_disk_bytes, Findings& findings);

}  // namespace larder::cachectl
