#include "line_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace larder::cachectl {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

Status CannotRead(const std::string& name) {
  return {StatusCode::kInvalidArgument, name + ": " + std::strerror(errno)};
}

}  // namespace

Result<LineSource> LineSource::Open(const std::string& name) {
  if (name == "-") return LineSource(STDIN_FILENO, "stdin");
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return CannotRead(name);
  LineSource source(file, name);
  struct stat found {};
  if (::fstat(file, &found) != 0) return CannotRead(name);
  if (S_ISDIR(found.st_mode)) return Status(StatusCode::kInvalidArgument, name + ": is a folder");
  if (S_ISREG(found.st_mode)) source.size_ = static_cast<std::uint64_t>(found.st_size);
  return source;
}

LineSource::LineSource(LineSource&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      name_(std::move(other.name_)),
      buffer_(std::move(other.buffer_)),
      at_(other.at_),
      number_(other.number_),
      bytes_(other.bytes_),
      size_(other.size_) {}

LineSource::~LineSource() {
  if (file_ > STDIN_FILENO) ::close(file_);
}

Result<std::optional<std::string>> LineSource::Next(std::size_t most_bytes) {
  std::size_t searched = at_;
  while (true) {
    const std::size_t end = buffer_.find('\n', searched);
    if (end != buffer_.npos) {
      std::string line = buffer_.substr(at_, end - at_);
      bytes_ += line.size() + 1;
      at_ = end + 1;
      ++number_;
      return std::optional(std::move(line));
    }
    buffer_.erase(0, std::exchange(at_, 0));
    searched = buffer_.size();
    if (searched > most_bytes) {
      return Status(StatusCode::kDataLoss, name_ + ": line " + std::to_string(number_ + 1) +
                                               " is over " + std::to_string(most_bytes) +
                                               " bytes, which no line of an export is");
    }
    buffer_.resize(searched + kChunkBytes);
    ssize_t count = 0;
    do {
      count = ::read(file_, buffer_.data() + searched, kChunkBytes);
    } while (count < 0 && errno == EINTR);
    buffer_.resize(searched + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0) return CannotRead(name_);
    if (count > 0) continue;
    if (buffer_.empty()) return std::optional<std::string>();
    bytes_ += buffer_.size();
    ++number_;
    return std::optional(std::exchange(buffer_, {}));
  }
}

}  // namespace larder::cachectl
