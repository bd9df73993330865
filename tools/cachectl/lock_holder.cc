#include "lock_holder.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace larder::cachectl {
namespace {

// "08:01:123456", as in /proc/locks.
std::string KernelName(const struct stat& found) {
  char text[64];
  std::snprintf(text, sizeof(text), "%02x:%02x:%lu", major(found.st_dev), minor(found.st_dev),
                static_cast<unsigned long>(found.st_ino));
  return text;
}

std::optional<unsigned> MaxFiles(pid_t pid) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  constexpr std::string_view kName = "Max open files";
  for (std::string line; std::getline(limits, line);) {
    if (!line.starts_with(kName)) continue;
    unsigned soft = 0;
    std::istringstream values(line.substr(kName.size()));
    if (values >> soft) return soft;
  }
  return std::nullopt;
}

}  // namespace

std::optional<LockHolder> FindLockHolder(const std::string& directory) {
  struct stat found {};
  if (::stat(directory.c_str(), &found) != 0) return std::nullopt;
  const std::string name = KernelName(found);
  std::ifstream locks("/proc/locks");
  // "1: FLOCK  ADVISORY  WRITE 1234 08:01:123456 0 EOF"; who waits has "->" after the number.
  for (std::string line; std::getline(locks, line);) {
    std::istringstream words(line);
    std::string index, kind, advice, access, file;
    pid_t pid = 0;
    words >> index >> kind >> advice >> access >> pid >> file;
    if (!words || kind != "FLOCK" || file != name || pid <= 0) continue;
    LockHolder holder{.pid = pid, .name = {}, .max_files = MaxFiles(pid)};
    std::ifstream command("/proc/" + std::to_string(pid) + "/comm");
    std::getline(command, holder.name);
    return holder;
  }
  return std::nullopt;
}

}  // namespace larder::cachectl
