// Small files that are read and replaced whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder {

// All of it. Errors: kNotFound, kUnavailable; kDataLoss if it is longer than `most_bytes`.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t most_bytes);
// Write beside it, sync, rename, sync the directory: there is the old one or the new one,
// whatever happens meanwhile. Mode 0600. `kill_point`: where the crash tests may stop, between
// the two.
Status ReplaceSmallFile(const std::string& path, std::string_view bytes, const char* kill_point);

}  // namespace larder
