// OutputFile: a file that is there whole, or not at all.
#pragma once

#include <string>
#include <string_view>

#include "larder/result.h"

namespace larder::cachectl {

// Written beside `name` with mode 0600, synced and renamed by Commit; gone without. What is not a
// regular file (a pipe, a device) is written to directly. Errors of all: kInternal,
// kInvalidArgument from Open.
class OutputFile {
 public:
  static Result<OutputFile> Open(const std::string& name);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  Status Write(std::string_view bytes);
  Status Commit();

 private:
  OutputFile(int file, std::string name, std::string written)
      : file_(file), name_(std::move(name)), written_(std::move(written)) {}

  int file_;
  std::string name_;
  std::string written_;  // what is written to until Commit; empty: `name_` itself
};

}  // namespace larder::cachectl
