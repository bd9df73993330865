#include "journal_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "directory_lock.h"

namespace larder {
namespace {

int OpenRetrying(const std::string& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

class SystemFile final : public JournalFile {
 public:
  SystemFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  SystemFile(const SystemFile&) = delete;
  SystemFile& operator=(const SystemFile&) = delete;
  ~SystemFile() override { ::close(fd_); }

  Result<std::uint64_t> Size() override {
    struct stat info {};
    if (::fstat(fd_, &info) != 0) return SystemError("stat", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<std::string> ReadAt(std::uint64_t offset, std::size_t count) override {
    std::string bytes(count, '\0');
    std::size_t done = 0;
    while (done < count) {
      const ssize_t n =
          ::pread(fd_, bytes.data() + done, count - done, static_cast<off_t>(offset + done));
      if (n == 0) break;
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        const StatusCode code = errno == EIO ? StatusCode::kDataLoss : StatusCode::kUnavailable;
        return Status(code, SystemError("read", path_).message());
      }
      done += static_cast<std::size_t>(n);
    }
    bytes.resize(done);
    return bytes;
  }

  Status WriteAt(std::uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return SystemError("write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return Status::Ok();
  }

  Status Sync() override {
    if (::fdatasync(fd_) != 0) return SystemError("sync", path_);
    return Status::Ok();
  }

 private:
  const int fd_;
  const std::string path_;
};

class SystemFiles final : public JournalFiles {
 public:
  Result<std::unique_ptr<JournalFile>> Open(const std::string& path) override {
    int fd = OpenRetrying(path, O_RDWR);
    // A backup on a volume mounted read-only, or of another user: writing fails, reading does not.
    if (fd < 0 && (errno == EROFS || errno == EACCES)) fd = OpenRetrying(path, O_RDONLY);
    if (fd < 0 && errno == ENOENT) return Status(StatusCode::kNotFound, path + " does not exist");
    return Wrap(fd, path);
  }

  Result<std::unique_ptr<JournalFile>> Create(const std::string& path) override {
    return Wrap(OpenRetrying(path, O_RDWR | O_CREAT | O_TRUNC), path);
  }

  Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError("remove", path);
    return Status::Ok();
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return SystemError("rename", from);
    return Status::Ok();
  }

  Status SyncDirectoryOf(const std::string& path) override {
    std::string directory = std::filesystem::path(path).parent_path().string();
    if (directory.empty()) directory = ".";
    const int fd = OpenRetrying(directory, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return SystemError("open", directory);
    Status status = Status::Ok();
    if (::fsync(fd) != 0) status = SystemError("sync", directory);
    ::close(fd);
    return status;
  }

 private:
  static Result<std::unique_ptr<JournalFile>> Wrap(int fd, const std::string& path) {
    if (fd < 0) return SystemError("open", path);
    return std::unique_ptr<JournalFile>(std::make_unique<SystemFile>(fd, path));
  }
};

}  // namespace

JournalFiles& JournalFiles::System() {
  static SystemFiles files;
  return files;
}

}  // namespace larder
