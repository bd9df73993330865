// Framing: the checks that keep a request from meaning one thing to us and another to the next
// hop (request smuggling), beyond what the parser checks.
#pragma once

#include <optional>
#include <string>

#include "larder/client/message.h"

namespace larder::gateway {

// A request that the server answers by itself, and then closes the connection.
struct Refusal {
  int status = 400;
  std::string message;
};

enum class HttpVersion { k10, k11 };

// Host exactly once with HTTP/1.1; Transfer-Encoding only as one `chunked`, only with HTTP/1.1 and
// only without Content-Length; Content-Length once and in digits; no expectation but
// `100-continue`; no protocol switch to a WebSocket.
std::optional<Refusal> CheckFraming(HttpVersion version, const client::Headers& headers);

// The target as a path: as it is, or what follows the authority of an absolute one.
// nullopt: neither ("*", "host:port"), or with a fragment.
std::optional<std::string> OriginForm(std::string target);

}  // namespace larder::gateway
