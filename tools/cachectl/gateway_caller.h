// GatewayCaller: a caller of larderd, one request after another.
#pragma once

#include <memory>
#include <string>

#include "larder/client/message.h"
#include "larder/result.h"

namespace larder::cachectl {

struct GatewayAnswer {
  int status = 0;
  std::string cache_status;
};

// One thread.
class GatewayCaller {
 public:
  // `url`: "http://127.0.0.1:8080". Errors: kInvalidArgument.
  static Result<std::unique_ptr<GatewayCaller>> Create(const std::string& url);
  virtual ~GatewayCaller() = default;
  // Waits for the whole answer. Errors: kUnavailable, kDeadlineExceeded.
  virtual Result<GatewayAnswer> Send(client::Request request) = 0;
};

}  // namespace larder::cachectl
