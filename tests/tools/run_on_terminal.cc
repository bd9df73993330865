#include "run_on_terminal.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

namespace larder::testing {
namespace {

// Until the terminal has shown `expected` after `from`, which then is where that ends; empty =
// until its end. Returns whether it did.
bool ReadUntil(int terminal, const std::string& expected, std::size_t& from, std::string& shown) {
  while (expected.empty() || shown.find(expected, from) == shown.npos) {
    char piece[4096];
    const ssize_t got = ::read(terminal, piece, sizeof(piece));
    if (got <= 0) return expected.empty();
    shown.append(piece, static_cast<std::size_t>(got));
  }
  from = shown.find(expected, from) + expected.size();
  return true;
}

}  // namespace

ProgramEnd RunOnTerminal(const ProgramRun& run, const Dialogue& dialogue) {
  Conversation conversation;
  for (const auto& [expected, typed] : dialogue) {
    conversation.emplace_back(expected, [typed = typed](const std::string&) { return typed; });
  }
  return TalkOnTerminal(run, conversation);
}

ProgramEnd TalkOnTerminal(const ProgramRun& run, const Conversation& conversation) {
  std::vector<std::string> words = run.words;
  std::vector<std::string> environment;
  for (const auto& [name, value] : run.environment) environment.push_back(name + "=" + value);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<char*> variables;
  for (std::string& text : environment) variables.push_back(text.data());
  variables.push_back(nullptr);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  if (child == 0) {
    if (!run.directory.empty() && ::chdir(run.directory.c_str()) != 0) ::_exit(126);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  ProgramEnd end;
  std::size_t from = 0;
  for (const auto& [expected, typist] : conversation) {
    if (!ReadUntil(terminal, expected, from, end.out)) {
      ADD_FAILURE() << "never showed `" << expected << "` but: " << end.out;
      break;
    }
    const std::string typed = typist(end.out);
    const ssize_t size = static_cast<ssize_t>(typed.size());
    EXPECT_EQ(::write(terminal, typed.data(), typed.size()), size);
  }
  ReadUntil(terminal, "", from, end.out);
  ::close(terminal);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  end.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return end;
}

}  // namespace larder::testing
