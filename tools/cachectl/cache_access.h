// CacheAccess: the cache, wherever it is: behind the socket, or the port, of the process that holds
// it, or, if
// nobody holds it, opened by ourselves. Both answer the same requests in the same JSON.
#pragma once

#include <memory>
#include <string>

#include "admin_request.h"
#include "invocation.h"
#include "larder/options.h"
#include "larder/result.h"

namespace larder::cachectl {

class CacheAccess {
 public:
  virtual ~CacheAccess() = default;
  // The body of the answer, or the error it tells of. From any thread.
  virtual Result<std::string> Call(const admin::AdminRequest& request) = 0;
};

// Where the cache is, and how it would be opened.
struct CachePlace {
  Options options;
  std::string socket;  // empty: none is served
};

// As --dir or the configuration say; --socket and --url are not asked. Errors: kInvalidArgument.
Result<CachePlace> FindCache(const Invocation& invocation);
// Whether --socket or --url say which process it is.
bool NamesProcess(const Invocation& invocation);
// The cache of that process, which is not looked at yet. Errors: kInvalidArgument (--url without
// an admin.token in the configuration).
Result<std::unique_ptr<CacheAccess>> ReachProcess(const Invocation& invocation);
// Whether a process answers on the socket. Errors: kUnavailable, kInvalidArgument.
Result<bool> IsServed(const std::string& socket);
// Whether a process has the cache in `directory` open.
bool IsHeld(const std::string& directory);

// As --socket, --url, --dir or the configuration say. Never creates a cache, and never moves a
// damaged one aside. Errors: kUnavailable (held by a process without a socket, or there is no
// cache), kInvalidArgument (configuration), kDataLoss (the store cannot be read).
Result<std::unique_ptr<CacheAccess>> ReachCache(const Invocation& invocation);

// The cache of a process that runs, never one that we would open ourselves. Errors: kUnavailable
// (nobody serves it; `hint` says what that means), kInvalidArgument (configuration).
Result<std::unique_ptr<CacheAccess>> ReachRunning(const Invocation& invocation,
                                                  const std::string& hint);

// The cache behind a socket, which is not looked at yet.
std::unique_ptr<CacheAccess> ReachSocket(std::string socket);
// The cache that is there and that nobody holds, opened by ourselves. Errors: as above.
Result<std::unique_ptr<CacheAccess>> OpenCache(Options options);

}  // namespace larder::cachectl
