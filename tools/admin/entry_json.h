// What the admin API says of one entry.
#pragma once

#include <string>
#include <string_view>

#include "larder/cache.h"

namespace larder::admin {

// A key as cachectl takes it: 64 hex digits for 32 bytes, else `text:...`, else `b64:...`.
std::string ShowKey(std::string_view key);

std::string EntryToJson(std::string_view key, const Hit& hit, TimePoint now);

}  // namespace larder::admin
