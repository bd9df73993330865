// ServerRequest: a request as it came off the wire, body and all; framing is dealt with.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "larder/client/message.h"

namespace larder::gateway {

struct ServerRequest {
  std::string method;
  std::string target;  // path and query, always begins with '/'
  client::Headers headers;
  std::string body;
  // What the body takes of RequestMemory; to be kept as long as the body, wherever that goes.
  std::shared_ptr<const void> room = nullptr;

  // `target` without its query.
  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
};

}  // namespace larder::gateway
