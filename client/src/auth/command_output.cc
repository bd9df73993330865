#include "auth/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string_view>
#include <thread>

#include "larder/client/vault.h"

namespace larder::client {
namespace {

using SteadyClock = std::chrono::steady_clock;

Status Failed(const std::string& program, const std::string& why) {
  return {StatusCode::kUnavailable, program + ": " + why};
}

// Ours, but for the passphrase of the vault; null at the end.
std::vector<char*> Variables() {
  std::vector<char*> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("LARDER_VAULT_PASSPHRASE=")) {
      variables.push_back(*variable);
    }
  }
  variables.push_back(nullptr);
  return variables;
}

// What a child has of ours: its stdout goes to `out`, and nothing else is left.
struct SpawnPlan {
  explicit SpawnPlan(int out) {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    // Not all of our sockets are closed by exec.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    ::posix_spawnattr_init(&attributes);
    sigset_t signals;
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes, &signals);
    ::sigaddset(&signals, SIGPIPE);  // which we ignore
    ::posix_spawnattr_setsigdefault(&attributes, &signals);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

// A program under way in a process group of its own, which is killed as a whole.
class Child {
 public:
  ~Child() {
    if (out_ >= 0) ::close(out_);
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) continue;
    }
  }
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // errno of what failed, or 0.
  int Start(const std::vector<std::string>& words) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
    out_ = ends[0];
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::vector<char*> variables = Variables();
    const SpawnPlan plan(ends[1]);
    const int error = ::posix_spawnp(&pid_, arguments[0], &plan.actions, &plan.attributes,
                                     arguments.data(), variables.data());
    if (error != 0) pid_ = -1;
    ::close(ends[1]);
    return error;
  }

  // Whether it may have more to say before `end`; appends what there is.
  enum class Said { kMore, kAll, kNothingInTime };
  Said Read(std::string& text, SteadyClock::time_point end) const {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now());
    pollfd wait{out_, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) return Said::kMore;
    if (ready <= 0) return Said::kNothingInTime;
    char piece[4096];
    const ssize_t got = ::read(out_, piece, sizeof(piece));
    if (got > 0) text.append(piece, static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR) ? Said::kMore : Said::kAll;
  }

  // Its status, as waitpid() has it; nullopt: it goes on after `end`, with nothing more to say.
  std::optional<int> WaitUntil(SteadyClock::time_point end) {
    int status = 0;
    while (true) {
      const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
      if (ended == pid_) break;
      if (SteadyClock::now() >= end) return std::nullopt;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

}  // namespace

Result<SecretText> ReadCommand(const std::vector<std::string>& words, Duration limit) {
  const std::string& program = words.front();
  const auto end = SteadyClock::now() + limit;
  Child child;
  if (const int error = child.Start(words); error != 0) {
    return Failed(program, std::strerror(error));
  }
  std::string text;
  text.reserve(kMostSecretBytes + 4096);  // once, so that growing leaves no copies behind
  Child::Said said = Child::Said::kMore;
  while (said == Child::Said::kMore && text.size() <= kMostSecretBytes) {
    said = child.Read(text, end);
  }
  SecretText output = SecretText::Take(text);
  if (said == Child::Said::kMore) return Failed(program, "it printed over 64 KiB");
  const std::optional<int> status =
      said == Child::Said::kAll ? child.WaitUntil(end) : std::optional<int>();
  if (!status) {
    return Status(StatusCode::kDeadlineExceeded,
                  program + ": not done after " + std::to_string(limit.count()) + " ms");
  }
  if (WIFSIGNALED(*status)) {
    return Failed(program, "ended by signal " + std::to_string(WTERMSIG(*status)));
  }
  if (WEXITSTATUS(*status) != 0) {
    return Failed(program, "exit status " + std::to_string(WEXITSTATUS(*status)));
  }
  return output;
}

}  // namespace larder::client
