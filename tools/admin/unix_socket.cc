#include "unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace larder::admin {
namespace {

constexpr std::size_t kMaxNameBytes = 60;

Status SystemError(StatusCode code, const std::string& what) {
  return {code, what + ": " + std::strerror(errno)};
}

}  // namespace

Result<SocketFolder> SocketFolder::Open(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == path.npos ? "." : path.substr(0, slash + 1);
  std::string name = slash == path.npos ? path : path.substr(slash + 1);
  if (name.empty() || name.size() > kMaxNameBytes) {
    return Status(StatusCode::kInvalidArgument, "socket " + path + ": its name is not 1 to " +
                                                    std::to_string(kMaxNameBytes) + " bytes");
  }
  const int fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return SystemError(StatusCode::kInvalidArgument, "socket " + path);
  return SocketFolder(fd, std::move(name), path);
}

SocketFolder::SocketFolder(SocketFolder&& other) noexcept
    : folder_(std::exchange(other.folder_, -1)),
      name_(std::move(other.name_)),
      path_(std::move(other.path_)) {}

SocketFolder::~SocketFolder() {
  if (folder_ >= 0) ::close(folder_);
}

std::string SocketFolder::address() const {
  return "/proc/self/fd/" + std::to_string(folder_) + "/" + name_;
}

Result<bool> SocketFolder::IsServed() const {
  struct stat found = {};
  if (::fstatat(folder_, name_.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISSOCK(found.st_mode)) {
    return Status(StatusCode::kInvalidArgument, path_ + " is there and is not a socket");
  }
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return SystemError(StatusCode::kUnavailable, "socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  this->address().copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int failed = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int error = errno;
  ::close(probe);
  // EAGAIN: somebody listens, and the queue is full.
  if (failed == 0 || error == EAGAIN) return true;
  if (error == ECONNREFUSED || error == ENOENT) return false;
  errno = error;
  return SystemError(StatusCode::kUnavailable, "connect to " + path_);
}

void SocketFolder::Remove() const { ::unlinkat(folder_, name_.c_str(), 0); }

ino_t SocketFolder::Inode() const {
  struct stat found = {};
  const bool there = ::fstatat(folder_, name_.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
  return there ? found.st_ino : 0;
}

}  // namespace larder::admin
