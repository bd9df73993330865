// What the admin API says of one entry.
#pragma once

#include <string>
#include <string_view>

#include "larder/cache.h"

namespace larder::admin {

// `raw_bytes`: of the body, which need not be in the entry.
std::string EntryToJson(std::string_view key, const Hit& hit, std::uint64_t raw_bytes,
                        TimePoint now);

}  // namespace larder::admin
