// DirectoryLock: who holds a directory. The lock is on the directory itself: no file of its own,
// released by the kernel when the process ends, however it ends.
#pragma once

#include <string>

#include "larder/result.h"

namespace larder {

// How the message ends of the error for a directory that is another process's.
inline constexpr std::string_view kHeldByAnother = " is held by another process";

// Movable; released by the destructor.
class DirectoryLock {
 public:
  // Creates the directory, mode 0700, if `create` and it is missing. Errors: kNotFound (missing),
  // kUnavailable (held by another process, or it cannot be read or written).
  static Result<DirectoryLock> Take(const std::string& directory, bool create);

  DirectoryLock() = default;
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  ~DirectoryLock() { Release(); }
  void Release();
  // Whether `directory` is still what was locked, and is neither gone nor another that took its
  // place. Also where nobody can tell.
  bool IsOf(const std::string& directory) const;

 private:
  int fd_ = -1;
};

// "what path: the system's error", of errno: kUnavailable, or kResourceExhausted if the volume is
// full.
Status SystemError(std::string_view what, const std::string& path);
// Makes what was created, renamed or deleted in `directory` survive loss of power.
Status SyncDirectory(const std::string& directory);

}  // namespace larder
