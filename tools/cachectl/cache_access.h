// CacheAccess: the cache, wherever it is: behind the socket of the process that holds it, or, if
// nobody holds it, opened by ourselves. Both answer the same requests in the same JSON.
#pragma once

#include <memory>
#include <string>

#include "admin_request.h"
#include "invocation.h"
#include "larder/result.h"

namespace larder::cachectl {

class CacheAccess {
 public:
  virtual ~CacheAccess() = default;
  // The body of the answer, or the error it tells of.
  virtual Result<std::string> Call(const admin::AdminRequest& request) = 0;
};

// As --socket, --dir or the configuration say. Never creates a cache, and never moves a damaged
// one aside.
// Errors: kUnavailable (held by a process without a socket, or there is no cache),
// kInvalidArgument (configuration), kDataLoss (the store cannot be read).
Result<std::unique_ptr<CacheAccess>> ReachCache(const Invocation& invocation);

}  // namespace larder::cachectl
