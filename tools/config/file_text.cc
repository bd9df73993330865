#include "file_text.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace larder::tools {

Result<std::string> ReadFileText(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return Status(StatusCode::kNotFound, path + ": is not there");
  }
  // A directory opens and throws when it is read, a pipe may never say anything.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return Status(StatusCode::kInternal, path + ": is not a regular file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return Status(StatusCode::kInternal, path + ": " + std::strerror(errno));
  std::string text;
  char bytes[4096];
  // Of a stream's ways to read this one does not let through what its buffer throws.
  do {
    file.read(bytes, sizeof(bytes));
    text.append(bytes, static_cast<std::size_t>(file.gcount()));
  } while (file);
  if (file.bad()) return Status(StatusCode::kInternal, path + ": cannot be read");
  return text;
}

}  // namespace larder::tools
