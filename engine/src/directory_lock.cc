#include "directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace larder {

Status SystemError(std::string_view what, const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return {full ? StatusCode::kResourceExhausted : StatusCode::kUnavailable,
          std::string(what) + " " + path + ": " + std::strerror(errno)};
}

Status SyncDirectory(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError("open directory", directory);
  const Status status = ::fsync(fd) == 0 ? Status::Ok() : SystemError("sync directory", directory);
  ::close(fd);
  return status;
}

namespace {

namespace fs = std::filesystem;

// With what is missing above it. Their names last, or they are taken away again: the next to come
// would take those that are there for lasting ones.
Status Create(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> missing;  // the deepest first
  for (fs::path at = fs::absolute(directory, error); !error && !fs::exists(at, error);
       at = at.parent_path()) {
    missing.push_back(at);
  }
  if (!error) fs::create_directories(directory, error);
  if (error) {
    return {StatusCode::kUnavailable, "create directory " + directory + ": " + error.message()};
  }
  ::chmod(directory.c_str(), 0700);
  for (const fs::path& made : missing) {
    const Status status = SyncDirectory(made.parent_path().string());
    if (status.ok()) continue;
    for (const fs::path& unwanted : missing) fs::remove(unwanted, error);
    return status;
  }
  return Status::Ok();
}

}  // namespace

Result<DirectoryLock> DirectoryLock::Take(const std::string& directory, bool create) {
  std::error_code error;
  if (!fs::exists(directory, error)) {
    if (!create) return Status(StatusCode::kNotFound, directory + " does not exist");
    if (Status status = Create(directory); !status.ok()) return status;
  }
  DirectoryLock lock;
  lock.fd_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock.fd_ < 0) return SystemError("open directory", directory);
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return SystemError("lock directory", directory);
    return Status(StatusCode::kUnavailable, directory + std::string(kHeldByAnother));
  }
  // Another may have been put in its place between the two.
  if (!lock.IsOf(directory)) {
    return Status(StatusCode::kUnavailable, directory + " was replaced meanwhile; try again");
  }
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
    return SystemError("write to directory", directory);
  }
  return lock;
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  if (this != &other) {
    Release();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

bool DirectoryLock::IsOf(const std::string& directory) const {
  struct stat held {};
  struct stat there {};
  if (fd_ < 0 || ::fstat(fd_, &held) != 0) return false;
  if (::stat(directory.c_str(), &there) != 0) return errno != ENOENT && errno != ENOTDIR;
  return held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

void DirectoryLock::Release() {
  if (fd_ < 0) return;
  ::flock(fd_, LOCK_UN);
  ::close(std::exchange(fd_, -1));
}

}  // namespace larder
