#include "run_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>

#include "temp_dir.h"

namespace larder::testing {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Environment(const ProgramRun& run) {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    if (!text.starts_with("LARDER_") && !text.starts_with("NO_COLOR=")) environment.push_back(text);
  }
  for (const auto& [name, value] : run.environment) environment.push_back(name + "=" + value);
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

void Redirect(int from, int to) {
  if (from < 0 || ::dup2(from, to) < 0) ::_exit(126);
}

}  // namespace

ProgramEnd RunProgram(const ProgramRun& run) {
  const TempDir dir;
  const std::string in = dir / "in";
  const std::string out = dir / "out";
  const std::string err = dir / "err";
  std::ofstream(in, std::ios::binary) << run.input;
  std::vector<std::string> words = run.words;
  std::vector<std::string> environment = Environment(run);
  // All is allocated before the fork: other threads of the test may hold the heap's lock.
  const std::vector<char*> arguments = Pointers(words);
  const std::vector<char*> variables = Pointers(environment);
  const pid_t child = ::fork();
  if (child == 0) {
    // Test runners ignore SIGPIPE, shells do not.
    ::signal(SIGPIPE, SIG_DFL);
    Redirect(::open(in.c_str(), O_RDONLY), STDIN_FILENO);
    Redirect(run.stdout_fd >= 0 ? run.stdout_fd : ::open(out.c_str(), O_WRONLY | O_CREAT, 0600),
             STDOUT_FILENO);
    Redirect(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), STDERR_FILENO);
    if (!run.directory.empty() && ::chdir(run.directory.c_str()) != 0) ::_exit(126);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return {.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = ReadAll(out),
          .err = ReadAll(err)};
}

}  // namespace larder::testing
