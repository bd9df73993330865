#include "input_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

namespace larder::cachectl {

Result<std::string> ReadInput(const std::string& name) {
  const auto fail = [&name](const char* why) {
    return Status(StatusCode::kInvalidArgument, name + ": " + why);
  };
  if (name == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream file(name, std::ios::binary);
  if (!file) return fail(std::strerror(errno));
  // A directory opens, and only reading it fails.
  if (file.peek() == std::ifstream::traits_type::eof() && file.bad()) return fail("cannot be read");
  file.clear();
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return fail("cannot be read");
  return text;
}

}  // namespace larder::cachectl
