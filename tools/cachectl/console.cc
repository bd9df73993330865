#include "console.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace larder::cachectl {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kPlain = "\033[0m";

bool WantsColor() {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace

Console::Console(bool json) : json_(json), color_(!json && WantsColor()) {}

void Console::Write(std::string_view bytes) {
  if (error_ != 0) return;
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) error_ = errno;
}

void Console::Line(std::string_view text) {
  Write(text);
  Write("\n");
}

void Console::Table(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [name, value] : rows) {
    if (!value.empty()) width = std::max(width, name.size());
  }
  for (const auto& [name, value] : rows) {
    if (value.empty()) {
      Line(color_ ? kBold + name + kPlain : name);
    } else {
      Line(name + std::string(width - name.size() + 2, ' ') + value);
    }
  }
}

void Console::Note(std::string_view text) {
  const std::string line = std::string(text) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

bool Console::CanAsk() const { return ::isatty(STDIN_FILENO) == 1; }

bool Console::Confirm(std::string_view question) {
  const std::string text = std::string(question) + " [y/N] ";
  std::fwrite(text.data(), 1, text.size(), stderr);
  char answer[16] = {};
  if (std::fgets(answer, sizeof(answer), stdin) == nullptr) return false;
  return answer[0] == 'y' || answer[0] == 'Y';
}

Status Console::Finish() {
  if (std::fflush(stdout) != 0 && error_ == 0) error_ = errno;
  if (error_ == 0 || error_ == EPIPE) return Status::Ok();
  return {StatusCode::kInternal, std::string("write to stdout: ") + std::strerror(error_)};
}

}  // namespace larder::cachectl
