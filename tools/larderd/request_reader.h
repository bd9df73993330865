// RequestReader: bytes of a connection -> one request, within the time that it may take.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <variant>

#include "connection.h"
#include "exchange.h"
#include "framing.h"
#include "server_limits.h"

namespace larder::gateway {

struct Received {
  ServerRequest request;
  HttpVersion version = HttpVersion::k11;
  // What the caller wants; whether the connection stays is also ours to say.
  bool keep_alive = false;
};

struct Refused {
  Refusal why;
  ServerRequest request;  // as far as it was read
  HttpVersion version = HttpVersion::k11;
};

// The peer closed the connection, or broke it, in the middle.
struct Vanished {};

using ReadOutcome = std::variant<Received, Refused, Vanished>;

// Reads one request, of which at least one byte is there already. What follows it stays in the
// connection's input.
boost::asio::awaitable<ReadOutcome> ReadRequest(Connection& connection, const ServerLimits& limits);

}  // namespace larder::gateway
