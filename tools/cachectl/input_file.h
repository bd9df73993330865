// What a verb reads: a file named on the command line, or stdin.
#pragma once

#include <string>

#include "larder/result.h"

namespace larder::cachectl {

// All of the file; "-" is stdin. Errors: kInvalidArgument, with the file's name and why.
Result<std::string> ReadInput(const std::string& name);

}  // namespace larder::cachectl
