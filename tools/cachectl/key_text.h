// KEY as people write it.
#pragma once

#include <string>

#include "larder/result.h"

namespace larder::cachectl {

// The bytes of "64 hex digits", "text:..." or "b64:...".
// Errors: kInvalidArgument, naming what is allowed.
Result<std::string> ParseKey(const std::string& text);
// The same for what a key begins with: hex digits of any even number.
Result<std::string> ParseKeyPrefix(const std::string& text);

}  // namespace larder::cachectl
