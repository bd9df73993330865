// DirectorySize: what a directory takes on disk, as `du` counts it.
#pragma once

#include <cstdint>
#include <string>

namespace larder {

// Bytes in blocks of all files below `directory`, but not of what is in its subdirectory `without`;
// files that vanish meanwhile count as nothing.
std::uint64_t DirectorySize(const std::string& directory, const std::string& without = {});

}  // namespace larder
