// Small files that are read and replaced whole, and larger ones that are so in pieces.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "byte_pieces.h"
#include "larder/result.h"

namespace larder {

// All of it. Errors: kNotFound, kUnavailable; kDataLoss if it is longer than `most_bytes`.
Result<std::string> ReadSmallFile(const std::string& path, std::size_t most_bytes);
// Write beside it, sync, rename, sync the directory: there is the old one or the new one,
// whatever happens meanwhile. Mode 0600. `kill_point`: where the crash tests may stop, between
// the two.
Status ReplaceSmallFile(const std::string& path, std::string_view bytes, const char* kill_point);

// The same of what does not fit into memory twice. The source has the file open, and reads the same
// one if it is replaced.
Result<ByteSource> OpenFile(const std::string& path);
// `write` gives what the file is to hold to the sink; if it fails, the old one stays.
Status ReplaceFile(const std::string& path, const std::function<Status(const ByteSink&)>& write,
                   const char* kill_point);

}  // namespace larder
