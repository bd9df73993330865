// LineSource: the lines of a file or of stdin, one by one, however long the file is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "larder/result.h"

namespace larder::cachectl {

class LineSource {
 public:
  // "-" is stdin. Errors: kInvalidArgument (cannot be read).
  static Result<LineSource> Open(const std::string& name);
  LineSource(LineSource&& other) noexcept;
  LineSource& operator=(LineSource&&) = delete;
  ~LineSource();

  // Without its line end; nullopt at the end. Errors: kInvalidArgument (cannot be read), kDataLoss
  // (over `most_bytes`: no line of ours is).
  Result<std::optional<std::string>> Next(std::size_t most_bytes);

  std::uint64_t number() const { return number_; }  // of the latest line; the first is 1
  std::uint64_t bytes_read() const { return bytes_; }
  std::uint64_t size() const { return size_; }  // of the file; 0 = not known

 private:
  LineSource(int file, std::string name) : file_(file), name_(std::move(name)) {}

  int file_;
  std::string name_;
  std::string buffer_;
  std::size_t at_ = 0;  // in the buffer
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace larder::cachectl
