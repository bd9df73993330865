#include "output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace larder::cachectl {
namespace {

Status Failed(StatusCode code, const std::string& name) {
  return {code, name + ": " + std::strerror(errno)};
}

}  // namespace

Result<OutputFile> OutputFile::Open(const std::string& name) {
  struct stat old {};
  const bool special = ::stat(name.c_str(), &old) == 0 && !S_ISREG(old.st_mode);
  const std::string written = special ? "" : name + ".new";
  const int flags = special ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC;
  const int file = ::open((special ? name : written).c_str(), flags | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return Failed(StatusCode::kInvalidArgument, name);
  return OutputFile(file, name, written);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)),
      written_(std::move(other.written_)) {}

OutputFile::~OutputFile() {
  if (file_ < 0) return;
  ::close(file_);
  if (!written_.empty()) ::unlink(written_.c_str());
}

Status OutputFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Failed(StatusCode::kInternal, "write to " + name_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return Status::Ok();
}

Status OutputFile::Commit() {
  if (written_.empty()) return Status::Ok();
  if (::fsync(file_) != 0 || std::rename(written_.c_str(), name_.c_str()) != 0) {
    return Failed(StatusCode::kInternal, "write to " + name_);
  }
  ::close(std::exchange(file_, -1));
  return Status::Ok();
}

}  // namespace larder::cachectl
