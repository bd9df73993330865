// AdminServer: lets cachectl reach the cache of a running process, over a unix socket, or over TCP.
//
//   auto admin = larder::admin::AdminServer::Start(cache, {.socket = directory + "/admin.sock"});
//
// The socket has mode 0600: who may open it may read and invalidate everything in the cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "larder/cache.h"
#include "larder/result.h"

namespace larder::admin {

// The configuration of a process that can show and change it. Called from the server's threads.
class AdminConfig {
 public:
  virtual ~AdminConfig() = default;
  // JSON; never with a secret.
  virtual Result<std::string> Show() = 0;
  // Changes the file and what runs, both or neither. `patch`: a merge patch (RFC 7396) for the
  // file. Returns in JSON what has changed. Errors: kInvalidArgument (refused, or it needs a
  // restart: nothing of it is in force), kUnavailable (the process ends, or another changes the
  // file at this moment), kInternal (I/O).
  virtual Result<std::string> Change(const std::string& patch) = 0;
};

struct AdminOptions {
  // Where to listen, of any length; the folder must exist. The cache's directory is where cachectl
  // looks: `<directory>/admin.sock`. What a dead process left there is replaced.
  std::string socket = {};
  // Requests answered at the same time.
  unsigned threads = 2;
  // Further statistics for /v1/stats: the text of a JSON object, whose members are added to the
  // cache's. Called from the server's threads; must not throw. Empty: there are none.
  std::function<std::string()> more_stats = {};
  // Text of GET /metrics, in Prometheus' format. As more_stats; empty: there is no such page.
  std::function<std::string()> metrics = {};
  // Text of GET /v1/misses: {"misses": [...]}, at most `limit` of them, the latest first. As
  // more_stats; empty: this process remembers none.
  std::function<std::string(std::size_t limit)> recent_misses = {};
  // Text of GET /v1/events: what happened since a `next` of before, 0 to begin; {"events": [...],
  // "next", "lost"}. As more_stats; empty: this process tells none.
  std::function<std::string(std::uint64_t after)> events = {};
  // Not owned; must outlive the server. Null: there is no configuration to show.
  AdminConfig* config = nullptr;
};

// Where the admin API is served over TCP, and to whom. It is not encrypted: beyond this machine it
// belongs behind something that is.
struct AdminTcp {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;  // 0 = any free one
  // Whether this is the bearer token; asked for every request, from the server's threads. Must not
  // throw, and must not tell by its time how much of it was right.
  std::function<bool(std::string_view given)> is_token = {};
};

// Thread-safe. Serves on threads of its own from Start until destroyed. Start ignores SIGPIPE for
// the whole process.
class AdminServer {
 public:
  // `cache` must outlive the server.
  // Errors: kInvalidArgument (no such folder, or something else than a socket is in the way),
  // kUnavailable (another process listens there, or it cannot be bound).
  static Result<std::unique_ptr<AdminServer>> Start(Cache& cache, const AdminOptions& options);
  // The same API for those who send the token; of `options`, the socket is not used. Errors:
  // kInvalidArgument (not an address), kUnavailable (the port is taken, ...).
  static Result<std::unique_ptr<AdminServer>> StartTcp(Cache& cache, const AdminOptions& options,
                                                       const AdminTcp& tcp);
  // "http://127.0.0.1:9000"; of a unix socket its path.
  virtual const std::string& address() const = 0;
  // Stops listening, waits for running requests, removes the socket.
  virtual ~AdminServer() = default;
};

}  // namespace larder::admin
