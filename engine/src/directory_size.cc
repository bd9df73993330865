#include "directory_size.h"

#include <sys/stat.h>

#include <filesystem>

namespace larder {

std::uint64_t DirectorySize(const std::string& directory, const std::string& without) {
  constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks, whatever the file system's
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    if (!without.empty() && it.depth() == 0 && it->path().filename() == without) {
      it.disable_recursion_pending();
    }
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) == 0) {
      bytes += static_cast<std::uint64_t>(info.st_blocks) * kBlockBytes;
    }
  }
  return bytes;
}

}  // namespace larder
