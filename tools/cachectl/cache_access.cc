#include "cache_access.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "admin_client.h"
#include "admin_service.h"
#include "larder/cache.h"
#include "tool_config.h"
#include "unix_socket.h"

namespace larder::cachectl {
namespace {

class SocketAccess final : public CacheAccess {
 public:
  explicit SocketAccess(std::string socket) : socket_(std::move(socket)) {}

  Result<std::string> Call(const admin::AdminRequest& request) override {
    Result<admin::AdminAnswer> answer = admin::CallAdmin(socket_, request);
    if (!answer.ok()) return answer.status();
    return admin::BodyOrError(*std::move(answer));
  }

 private:
  const std::string socket_;
};

class UrlAccess final : public CacheAccess {
 public:
  UrlAccess(std::string url, client::SecretText token)
      : url_(std::move(url)), token_(std::move(token)) {}

  Result<std::string> Call(const admin::AdminRequest& request) override {
    Result<admin::AdminAnswer> answer = admin::CallAdminAt(url_, token_.Reveal(), request);
    if (!answer.ok()) return answer.status();
    return admin::BodyOrError(*std::move(answer));
  }

 private:
  const std::string url_;
  const client::SecretText token_;
};

class DirectAccess final : public CacheAccess {
 public:
  explicit DirectAccess(std::unique_ptr<Cache> cache)
      : cache_(std::move(cache)), service_(*cache_) {}

  Result<std::string> Call(const admin::AdminRequest& request) override {
    return admin::BodyOrError(service_.Handle(request));
  }

 private:
  const std::unique_ptr<Cache> cache_;
  const admin::AdminService service_;
};

Status Unreachable(std::string message) { return {StatusCode::kUnavailable, std::move(message)}; }

// Opening would create what is not there.
Status CheckIsCache(const std::string& directory) {
  for (const char* name : {"/store", "/restore.ready"}) {  // or it is there when it is opened
    if (::access((directory + name).c_str(), F_OK) == 0) return Status::Ok();
    const int error = errno;
    if (error != ENOENT && error != ENOTDIR) {
      return Unreachable(directory + ": " + std::strerror(error));
    }
  }
  return Unreachable(directory + " is not a cache: it has no store");
}

// Nobody has said what the budget of such a cache is; to look at it must not shrink it.
std::uint64_t BytesIn(const std::string& directory) {
  namespace fs = std::filesystem;
  std::uint64_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    const std::uintmax_t size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace

Result<CachePlace> FindCache(const Invocation& invocation) {
  CachePlace place;
  const std::string directory = invocation.Value("--dir");
  const std::string file = invocation.Value("--config");
  if (!directory.empty() && file.empty()) {
    place.options.directory = directory;
    place.options.max_disk_bytes = std::max(place.options.max_disk_bytes, 2 * BytesIn(directory));
    place.socket = directory + "/admin.sock";
    return place;
  }
  std::vector<client::ConfigFlag> flags;
  if (!directory.empty()) flags.push_back({"--dir", "/cache/directory", directory});
  Result<tools::ToolConfig> config = tools::LoadToolConfig(file, flags);
  if (!config.ok()) return config.status();
  place.options = config->client.cache;
  place.socket = config->admin.socket.value_or("");
  return place;
}

Result<bool> IsServed(const std::string& socket) {
  if (socket.empty()) return false;
  Result<admin::SocketFolder> folder = admin::SocketFolder::Open(socket);
  // Without the folder there is no socket, and what is missing is told with more context later.
  if (!folder.ok()) return false;
  return folder->IsServed();
}

// Takes and drops the lock that every holder keeps, to tell "held" from other trouble.
bool IsHeld(const std::string& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool held = ::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return held;
}

std::unique_ptr<CacheAccess> ReachSocket(std::string socket) {
  return std::make_unique<SocketAccess>(std::move(socket));
}

Result<std::unique_ptr<CacheAccess>> OpenCache(Options options) {
  if (Status status = CheckIsCache(options.directory); !status.ok()) return status;
  if (IsHeld(options.directory)) {
    return Unreachable(
        options.directory +
        " is held by another process that serves no admin socket; it would with this line:\n"
        "  auto admin = larder::admin::AdminServer::Start(*cache, {.socket = \"" +
        options.directory + "/admin.sock\"});");
  }
  options.on_corruption = OnCorruption::kFail;
  Result<std::unique_ptr<Cache>> cache = Cache::Open(options);
  if (!cache.ok()) return cache.status();
  // Nobody waits here until it comes back.
  if (const Health health = (*cache)->GetHealth(); !health.reads) {
    return Status(StatusCode::kUnavailable, options.directory + ": " + health.detail);
  }
  return std::unique_ptr<CacheAccess>(std::make_unique<DirectAccess>(*std::move(cache)));
}

bool NamesProcess(const Invocation& invocation) {
  return invocation.Has("--socket") || invocation.Has("--url");
}

Result<std::unique_ptr<CacheAccess>> ReachProcess(const Invocation& invocation) {
  if (invocation.Has("--socket")) return ReachSocket(invocation.Value("--socket"));
  Result<tools::ToolConfig> config = tools::LoadToolConfig(invocation.Value("--config"), {});
  if (!config.ok()) return config.status();
  if (!config->admin.token) {
    return Status(StatusCode::kInvalidArgument,
                  "--url: the configuration has no admin.token to send");
  }
  Result<client::SecretText> token = config->admin.token->Resolve();
  if (!token.ok()) return token.status().WithContext("admin.token");
  return std::unique_ptr<CacheAccess>(
      std::make_unique<UrlAccess>(invocation.Value("--url"), *std::move(token)));
}

Result<std::unique_ptr<CacheAccess>> ReachRunning(const Invocation& invocation,
                                                  const std::string& hint) {
  if (NamesProcess(invocation)) return ReachProcess(invocation);
  const Result<CachePlace> place = FindCache(invocation);
  if (!place.ok()) return place.status();
  const Result<bool> served = IsServed(place->socket);
  if (!served.ok()) return served.status();
  if (*served) return ReachSocket(place->socket);
  return Unreachable("no process serves " + place->options.directory + "/admin.sock, and " + hint);
}

Result<std::unique_ptr<CacheAccess>> ReachCache(const Invocation& invocation) {
  if (NamesProcess(invocation)) return ReachProcess(invocation);
  Result<CachePlace> place = FindCache(invocation);
  if (!place.ok()) return place.status();
  const Result<bool> served = IsServed(place->socket);
  if (!served.ok()) return served.status();
  if (*served) return ReachSocket(place->socket);
  return OpenCache(std::move(place->options));
}

}  // namespace larder::cachectl
