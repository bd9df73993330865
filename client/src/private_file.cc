#include "private_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "larder/client/vault.h"

namespace larder::client {
namespace {

// An open file that is closed at the end; -1 = could not be opened.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

Status Failed(const std::string& what) {
  const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kUnavailable;
  return {code, what + ": " + std::strerror(errno)};
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

std::string FolderOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status CheckUnchanged(const std::string& path, std::string_view expected) {
  const Result<std::string> now = ReadWholeFile(path, expected.size() + (std::size_t{64} << 20));
  const bool gone = !now.ok() && now.status().code() == StatusCode::kNotFound;
  if (!now.ok() && !gone) return now.status();
  const bool same = expected.empty() ? gone : !gone && now->starts_with(expected);
  if (same) return Status::Ok();
  return {StatusCode::kUnavailable,
          path + " was written by another meanwhile; nothing was changed"};
}

Status WriteNew(const std::string& path, std::string_view bytes) {
  ::unlink(path.c_str());  // of a writer that died
  const OpenFile file(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (file.fd() < 0) return Failed("create " + path);
  if (WriteAll(file.fd(), bytes) && ::fsync(file.fd()) == 0) return Status::Ok();
  Status failed = Failed("write " + path);
  ::unlink(path.c_str());
  return failed;
}

// As a second name of the same file, given in one step.
Status KeepBackup(const std::string& path) {
  const std::string backup = path + ".backup";
  const std::string second = path + ".backup.new";
  ::unlink(second.c_str());
  if (::link(path.c_str(), second.c_str()) != 0) return Failed("link " + second);
  if (::rename(second.c_str(), backup.c_str()) != 0) return Failed("rename " + second);
  return Status::Ok();
}

}  // namespace

Result<std::string> ReadWholeFile(const std::string& path, std::size_t most_bytes) {
  const OpenFile file(path, O_RDONLY);
  if (file.fd() < 0) return Failed(path);
  // Read in place and grown rarely: what is read may be a secret, and each copy of it stays behind.
  constexpr std::size_t kPiece = 64 << 10;
  std::string bytes;
  std::size_t size = 0;
  while (size <= most_bytes) {
    if (bytes.size() - size < kPiece) bytes.resize(size + 2 * kPiece);
    const ssize_t got = ::read(file.fd(), bytes.data() + size, kPiece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(path);
    if (got == 0) {
      bytes.resize(size);
      return bytes;
    }
    size += static_cast<std::size_t>(got);
  }
  return Status(StatusCode::kDataLoss,
                path + " is over " + std::to_string(most_bytes) + " bytes long");
}

Result<SecretText> ReadSecretFile(const std::string& path) {
  Result<std::string> text = ReadWholeFile(path, kMostSecretBytes);
  if (!text.ok()) {
    return Status(StatusCode::kInvalidArgument, "cannot read " + text.status().message());
  }
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return Status(StatusCode::kInvalidArgument, path + " is empty");
  return SecretText::Take(*text);
}

Status ReplacePrivateFile(const std::string& path, std::string_view bytes,
                          std::string_view expected) {
  const OpenFile folder(FolderOf(path), O_RDONLY | O_DIRECTORY);
  if (folder.fd() < 0) return Failed(FolderOf(path)).WithContext("write " + path);
  // On the folder, because the file itself is replaced.
  while (::flock(folder.fd(), LOCK_EX) != 0) {
    if (errno != EINTR) return Failed("lock " + FolderOf(path));
  }
  if (Status same = CheckUnchanged(path, expected); !same.ok()) return same;
  const std::string next = path + ".new";
  if (Status written = WriteNew(next, bytes); !written.ok()) return written;
  if (!expected.empty()) {
    if (Status kept = KeepBackup(path); !kept.ok()) return kept;
  }
  if (::rename(next.c_str(), path.c_str()) != 0) return Failed("rename " + next);
  return ::fsync(folder.fd()) == 0 ? Status::Ok() : Failed("sync " + FolderOf(path));
}

}  // namespace larder::client
