// KEY as people write it.
#pragma once

#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder::admin {

// The bytes of "64 hex digits", "text:..." or "b64:...".
// Errors: kInvalidArgument, naming what is allowed.
Result<std::string> ParseKey(const std::string& text);
// The same for what a key begins with: hex digits of any even number.
Result<std::string> ParseKeyPrefix(const std::string& text);
// The other way round: 64 hex digits for 32 bytes, else `text:...` if it can be read, else
// `b64:...`.
std::string ShowKey(std::string_view key);

}  // namespace larder::admin
