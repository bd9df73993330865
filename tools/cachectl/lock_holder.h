// LockHolder: which process holds a directory.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace larder::cachectl {

struct LockHolder {
  pid_t pid = 0;
  std::string name;                   // of its program, as the kernel has it
  std::optional<unsigned> max_files;  // that it may have open; unset if that may not be seen
};

// By /proc/locks; nullopt if nobody does, or it cannot be told (another's pid namespace).
std::optional<LockHolder> FindLockHolder(const std::string& directory);

}  // namespace larder::cachectl
