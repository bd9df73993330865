// What the admin API says of one entry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "larder/cache.h"

namespace larder::admin {

// `raw_bytes`: of the body, which need not be in the entry. `hits`: where they are known.
std::string EntryToJson(std::string_view key, const Hit& hit, std::uint64_t raw_bytes,
                        TimePoint now, std::optional<std::uint64_t> hits = std::nullopt);

}  // namespace larder::admin
