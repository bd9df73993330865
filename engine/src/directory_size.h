// DirectorySize: what a directory takes on disk, as `du` counts it.
#pragma once

#include <cstdint>
#include <string>

namespace larder {

// Bytes in blocks of all files below `directory`; files that vanish meanwhile count as nothing.
std::uint64_t DirectorySize(const std::string& directory);

}  // namespace larder
