#include "terminal_prompt.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "larder/client/vault.h"

namespace larder::tools {
namespace {

using client::SecretText;

constexpr char kCtrlC = 3;
constexpr char kCtrlD = 4;
constexpr char kBackspace = 8;
constexpr char kDelete = 127;

// The terminal with echo and signals off, so that a Ctrl-C is a character and nobody is left behind
// with a terminal that shows nothing.
class SilentTerminal {
 public:
  SilentTerminal() : fd_(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    ready_ = fd_ >= 0 && ::tcgetattr(fd_, &before_) == 0;
    if (!ready_) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    ready_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (ready_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
    if (fd_ >= 0) ::close(fd_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  bool ready() const { return ready_; }

  void Write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::write(fd_, text.data(), text.size());
      if (count <= 0 && errno != EINTR) return;
      if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  // The next character; Ctrl-D if the terminal is gone.
  char Read() const {
    char c = kCtrlD;
    while (::read(fd_, &c, 1) < 0 && errno == EINTR) continue;
    return c;
  }

 private:
  const int fd_;
  bool ready_ = false;
  termios before_{};
};

// Without the last character: all its bytes, in UTF-8.
void TakeBack(std::string& line) {
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();
  if (!line.empty()) line.pop_back();
}

}  // namespace

bool HasTerminal() {
  const int fd = ::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

Result<SecretText> AskSecret(std::string_view question) {
  const SilentTerminal terminal;
  if (!terminal.ready()) return Status(StatusCode::kUnavailable, "there is no terminal to ask at");
  terminal.Write(question);
  std::string line;
  line.reserve(client::kMostSecretBytes + 1);  // once, so that growing leaves no copies behind
  Status status;
  for (char c = terminal.Read(); c != '\n' && c != '\r'; c = terminal.Read()) {
    if (c == kCtrlC || (c == kCtrlD && line.empty())) {
      status = Status(StatusCode::kCancelled, "given up");
      break;
    }
    if (c == kDelete || c == kBackspace) {
      TakeBack(line);
    } else if (c != kCtrlD && line.size() <= client::kMostSecretBytes) {
      line += c;
    }
  }
  terminal.Write("\n");
  SecretText typed = SecretText::Take(line);
  if (!status.ok()) return status;
  if (typed.Reveal().size() > client::kMostSecretBytes) {
    return Status(StatusCode::kInvalidArgument, "what was typed is over 65536 bytes");
  }
  return typed;
}

Result<SecretText> AskPassphrase(const std::string& path) {
  return AskSecret("passphrase of " + path + ": ");
}

Result<SecretText> AskNewPassphrase(const std::string& path) {
  Result<SecretText> first = AskSecret("new passphrase for " + path + ": ");
  if (!first.ok()) return first;
  const Result<SecretText> second = AskSecret("once more: ");
  if (!second.ok()) return second.status();
  if (first->Matches(second->Reveal())) return first;
  return Status(StatusCode::kInvalidArgument, "the two passphrases differ; nothing was changed");
}

}  // namespace larder::tools
