#include "soak_gateway.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "admin_client.h"
#include "soak_call.h"
#include "soak_oracle.h"

namespace larder::testing {
namespace {

using Json = nlohmann::json;

// The smallest budget and what the engine wants free beside it.
constexpr const char* kVolumeSize = "size=400m";

Json Configuration(const std::string& upstream, const std::string& cache) {
  // Quick about everything, so that many faults fit into an hour.
  const Json provider = {
      {"base_url", upstream},
      {"keep_response_headers", {kSoakSerialField}},
      {"timeouts", {{"connect", "2s"}, {"first_byte", "3s"}, {"idle", "3s"}, {"total", "12s"}}},
      {"retry", {{"base_delay", "10ms"}, {"max_delay", "100ms"}}},
      {"breaker", {{"open_for", "250ms"}}}};
  Json config = {
      {"cache",
       {{"directory", cache},
        {"max_disk_bytes", "256MiB"},
        {"max_memory_bytes", "32MiB"},
        {"default_ttl", kSoakDefaultTtl.count()},
        {"ttl_jitter", 0}}},
      {"policy",
       {{{"match", {{"model", "swr"}}}, {"stale_while_revalidate", kSoakStaleWindows[1].count()}},
        {{"match", {{"model", "sie"}}}, {"stale_if_error", kSoakStaleWindows[2].count()}}}},
      {"providers", {{"openai", provider}, {"anthropic", provider}}},
      {"gateway",
       {{"listen", "127.0.0.1:0"},
        {"drain_timeout", "15s"},
        {"default_provider", {{"openai", "openai"}, {"anthropic", "anthropic"}}}}}};
  config["providers"]["openai"]["dialect"] = "openai";
  config["providers"]["anthropic"]["dialect"] = "anthropic";
  return config;
}

bool WriteTo(const char* file, const std::string& text) {
  const int descriptor = ::open(file, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool written =
      ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(descriptor);
  return written;
}

}  // namespace

bool EnterOwnMountNamespace() {
  const std::string user = std::to_string(::getuid());
  const std::string group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWNS) != 0) {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    const bool mapped = WriteTo("/proc/self/setgroups", "deny") &&
                        WriteTo("/proc/self/uid_map", "0 " + user + " 1") &&
                        WriteTo("/proc/self/gid_map", "0 " + group + " 1");
    if (!mapped) return false;
  }
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

SoakGateway::SoakGateway(const std::string& program, const std::string& upstream, bool volumes)
    : program_(program) {
  std::filesystem::create_directory(volume());
  mounted_ = volumes && ::mount("tmpfs", volume().c_str(), "tmpfs", 0, kVolumeSize) == 0;
  config_ = Configuration(upstream, cache()).dump(2);
  WriteConfiguration(config_);
}

SoakGateway::~SoakGateway() {
  process_.reset();
  if (mounted_) {
    MakeStoreWritable();
    ::umount2(volume().c_str(), MNT_DETACH);
  }
}

bool SoakGateway::Start() {
  const std::vector<std::string> arguments = {"--config", config_file()};
  process_ = std::make_unique<LarderdProcess>(dir_ / "", arguments, program_);
  const std::string url = process_->WaitUntilReady();
  ++life_;
  const std::lock_guard lock(mutex_);
  url_ = url;
  if (url.empty()) why_not_ = LastLog();
  return !url.empty();
}

std::string SoakGateway::url() const {
  const std::lock_guard lock(mutex_);
  return url_;
}

void SoakGateway::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

int SoakGateway::Stop() {
  process_->Signal(SIGTERM);
  return process_->Wait().exit_status;
}

bool SoakGateway::IsRunning() const {
  // Of one that ended by itself only a zombie is left, until it is waited for.
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid()), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

std::string SoakGateway::LastLog() const {
  constexpr std::size_t kMost = 2'000;
  const std::string log = process_->ErrorText();
  return log.substr(log.size() - std::min(log.size(), kMost));
}

void SoakGateway::WriteConfiguration(const std::string& text) const {
  const std::string next = config_file() + ".new";
  std::ofstream(next) << text;
  std::filesystem::rename(next, config_file());
}

void SoakGateway::Configure(const std::string& patch) {
  Json config = Json::parse(config_);
  config.merge_patch(Json::parse(patch));
  config_ = config.dump(2);
  WriteConfiguration(config_);
}

void SoakGateway::BreakConfiguration() { WriteConfiguration("{\"cache\": {\"directry\": 1}}"); }
void SoakGateway::RestoreConfiguration() { WriteConfiguration(config_); }

std::optional<std::string> SoakGateway::Admin(const std::string& method, const std::string& path,
                                              const std::string& body) const {
  const auto answer =
      admin::CallAdmin(cache() + "/admin.sock", {.method = method, .path = path, .body = body});
  if (!answer.ok() || answer->http_status != 200) return std::nullopt;
  return answer->body;
}

void SoakGateway::FillVolume() {
  const int file = ::open((volume() + "/filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const std::string block(std::size_t{1} << 20, 'x');
  for (std::size_t size = block.size(); size > 0;) {
    if (::write(file, block.data(), size) <= 0) size /= 2;
  }
  ::close(file);
}

void SoakGateway::EmptyVolume() { std::filesystem::remove(volume() + "/filler"); }

// Files that are open stay writable, as on a volume that the kernel turns read-only they would not;
// all that is opened from now on is not.
void SoakGateway::MakeStoreReadOnly() {
  const std::string store = cache() + "/store";
  if (::mount(store.c_str(), store.c_str(), nullptr, MS_BIND, nullptr) != 0) return;
  ::mount(nullptr, store.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr);
}

void SoakGateway::MakeStoreWritable() { ::umount2((cache() + "/store").c_str(), MNT_DETACH); }

void SoakGateway::DamageStore(std::uint64_t choice) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(cache())) {
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  }
  if (files.empty()) return;
  const std::string& file = files[choice % files.size()];
  const auto size = std::filesystem::file_size(file);
  const auto at = static_cast<off_t>(choice / files.size() % size);
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CLOEXEC);
  unsigned char byte = 0;
  if (::pread(descriptor, &byte, 1, at) == 1) {
    byte ^= static_cast<unsigned char>(1 + choice % 255);
    [[maybe_unused]] const ssize_t written = ::pwrite(descriptor, &byte, 1, at);
  }
  ::close(descriptor);
}

}  // namespace larder::testing
