#include "directory_size.h"

#include <sys/stat.h>

#include <filesystem>

namespace larder {
namespace {

// One that cannot be read, or goes meanwhile, does not hide those beside it.
std::uint64_t SizeOf(const std::filesystem::path& directory, const std::string& without) {
  constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks, whatever the file system's
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0) continue;
    bytes += static_cast<std::uint64_t>(info.st_blocks) * kBlockBytes;
    const bool counts = without.empty() || it->path().filename() != without;
    if (S_ISDIR(info.st_mode) && counts) bytes += SizeOf(it->path(), "");
  }
  return bytes;
}

}  // namespace

std::uint64_t DirectorySize(const std::string& directory, const std::string& without) {
  return SizeOf(directory, without);
}

}  // namespace larder
