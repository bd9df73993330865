#include "larderd_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>
#include <utility>

#include "admin_client.h"

namespace larder::testing {
namespace {

using Json = nlohmann::json;

// Only what may run between fork and exec in a program with threads.
[[noreturn]] void BecomeLarderd(const char* program, const char* directory, int out, int err,
                                char** arguments, char** environment) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // What the test keeps from itself is not kept from the program.
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  if (::chdir(directory) == 0) ::execve(program, arguments, environment);
  ::_exit(126);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

LarderdProcess::LarderdProcess(const std::string& directory,
                               const std::vector<std::string>& arguments,
                               const std::string& program)
    : error_file_(directory + "/larderd.err") {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const int err = ::open(error_file_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  std::vector<std::string> words = {"larderd"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // Nothing of the test's environment but what sanitizers are told.
  std::vector<std::string> variables;
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) variables.push_back(std::string(name) + "=" + value);
  }
  std::vector<char*> environment;
  for (std::string& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    BecomeLarderd(program.empty() ? LARDERD_PROGRAM : program.c_str(), directory.c_str(), pipe[1],
                  err, argv.data(), environment.data());
  }
  ::close(pipe[1]);
  ::close(err);
  out_ = pipe[0];
}

LarderdProcess::~LarderdProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(out_);
}

std::string LarderdProcess::WaitUntilReady() {
  constexpr std::string_view kReady = "listening on ";
  char byte = 0;
  while (text_.find('\n') == std::string::npos && ::read(out_, &byte, 1) == 1) text_ += byte;
  if (!text_.starts_with(kReady) || !text_.ends_with('\n')) return {};
  return text_.substr(kReady.size(), text_.size() - kReady.size() - 1);
}

void LarderdProcess::Signal(int number) const { ::kill(pid_, number); }

Ended LarderdProcess::Wait() {
  char bytes[4096];
  ssize_t count = 0;
  while ((count = ::read(out_, bytes, sizeof(bytes))) > 0) {
    text_.append(bytes, static_cast<std::size_t>(count));
  }
  int status = 0;
  ::waitpid(std::exchange(pid_, -1), &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text_, ErrorText()};
}

std::string LarderdProcess::ErrorText() const { return ReadFile(error_file_); }

std::size_t LarderdProcess::PeakMemory() const {
  std::ifstream status("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

GatewayFixture::GatewayFixture(const std::string& upstream,
                               const std::map<std::string, std::string>& more,
                               std::vector<std::string> flags)
    : arguments_(std::move(flags)) {
  arguments_.insert(arguments_.end(), {"--config", config_file()});
  Json config = {
      {"cache", {{"directory", cache_directory()}}},
      {"providers",
       {{"openai", {{"dialect", "openai"}, {"base_url", upstream}}},
        {"backup", {{"dialect", "openai"}, {"base_url", upstream + "/backup-base"}}},
        {"anthropic", {{"dialect", "anthropic"}, {"base_url", upstream + "/claude-base"}}}}},
      {"gateway",
       {{"listen", "127.0.0.1:0"},
        {"default_provider", {{"openai", "openai"}, {"anthropic", "anthropic"}}}}},
      {"logging", {{"level", "debug"}}},
  };
  for (const auto& [section, patch] : more) config[section].merge_patch(Json::parse(patch));
  std::ofstream(config_file()) << config.dump(2);
  Start();
}

void GatewayFixture::Start() {
  process_ = std::make_unique<LarderdProcess>(directory_.path(), arguments_);
  url_ = process_->WaitUntilReady();
  if (url_.empty()) throw std::runtime_error("larderd did not start: " + process_->ErrorText());
}

std::uint64_t GatewayFixture::Counter(const std::string& name) const {
  const auto answer =
      admin::CallAdmin(cache_directory() + "/admin.sock", {.method = "GET", .path = "/v1/stats"});
  if (!answer.ok()) throw std::runtime_error(answer.status().ToString());
  const Json stats = Json::parse(answer->body);
  const Json& value = name.starts_with('/') ? stats.at(Json::json_pointer(name)) : stats.at(name);
  return value.get<std::uint64_t>();
}

bool GatewayFixture::WaitForCounter(const std::string& name, std::uint64_t value) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (Counter(name) < value) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

bool GatewayFixture::InvalidateTag(const std::string& tag) const {
  const auto answer = admin::CallAdmin(
      cache_directory() + "/admin.sock",
      {.method = "POST", .path = "/v1/invalidate", .body = Json{{"tags", {tag}}}.dump()});
  return answer.ok() && answer->http_status == 200;
}

}  // namespace larder::testing
