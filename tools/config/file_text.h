// The text of a small file.
#pragma once

#include <string>

#include "larder/result.h"

namespace larder::tools {

// All of it; throws nothing, whatever is there by that name. Errors: kNotFound; kInternal (no
// regular file, or it cannot be read).
Result<std::string> ReadFileText(const std::string& path);

}  // namespace larder::tools
