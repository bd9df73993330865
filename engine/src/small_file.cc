#include "small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>

#include "directory_lock.h"
#include "kill_point.h"

namespace larder {
namespace {

Status Failed(const char* what, const std::string& path) {
  if (errno != ENOENT) return SystemError(what, path);
  return {StatusCode::kNotFound, SystemError(what, path).message()};
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool ReadAll(int fd, std::uint64_t at, std::span<char> out) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;  // it was cut short meanwhile
    if (got <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(got));
    at += static_cast<std::uint64_t>(got);
  }
  return true;
}

}  // namespace

Result<std::string> ReadSmallFile(const std::string& path, std::size_t most_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  struct stat info {};
  const bool sized = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const auto expected = sized ? static_cast<std::size_t>(info.st_size) : most_bytes;
  std::string bytes(std::min(expected, most_bytes) + 1, '\0');
  std::size_t size = 0;
  ssize_t got = 0;
  while (size < bytes.size() && (got = ::read(fd, bytes.data() + size, bytes.size() - size)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    size += static_cast<std::size_t>(got);
  }
  const Status failure = got < 0 ? Failed("read", path) : Status::Ok();
  ::close(fd);
  if (!failure.ok()) return failure;
  if (size > most_bytes) return Status(StatusCode::kDataLoss, path + " is too long");
  bytes.resize(size);
  return bytes;
}

Status ReplaceSmallFile(const std::string& path, std::string_view bytes, const char* kill_point) {
  return ReplaceFile(
      path, [bytes](const ByteSink& sink) { return sink(bytes); }, kill_point);
}

Result<ByteSource> OpenFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Failed("open", path);
  const std::shared_ptr<void> closer(nullptr, [fd](void*) { ::close(fd); });
  struct stat info {};
  if (::fstat(fd, &info) != 0) return Failed("stat", path);
  ByteSource source{.size = static_cast<std::uint64_t>(info.st_size)};
  source.read = [fd, closer, path](std::uint64_t at, std::span<char> out) {
    return ReadAll(fd, at, out) ? Status::Ok() : Failed("read", path);
  };
  return source;
}

Status ReplaceFile(const std::string& path, const std::function<Status(const ByteSink&)>& write,
                   const char* kill_point) {
  const std::string temporary = path + ".new";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("create", temporary);
  const std::shared_ptr<void> closer(nullptr, [fd](void*) { ::close(fd); });
  const ByteSink sink = [&](std::string_view bytes) {
    return WriteAll(fd, bytes) ? Status::Ok() : Failed("write", temporary);
  };
  if (Status status = write(sink); !status.ok()) return status;
  if (::fdatasync(fd) != 0) return Failed("write", temporary);
  KillPoint(kill_point);
  if (::rename(temporary.c_str(), path.c_str()) != 0) return Failed("rename", temporary);
  return SyncDirectory(path.substr(0, path.find_last_of('/')));
}

}  // namespace larder
