// RequestReader: bytes of a connection -> one request. The only file that knows the parser.
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
  // As far as it was read.
  ServerRequest request;
  HttpVersion version = HttpVersion::k11;
};

// The peer closed the connection, or broke it, in the middle.
struct Vanished {};

using ReadOutcome = std::variant<Received, Refused, Vanished>;

// Reads one request, of which at least one byte is there already. What follows it stays in the
// connection's input. The fields are those of the head: trailers are read and dropped.
boost::asio::awaitable<ReadOutcome> ReadRequest(Connection& connection, const ServerLimits& limits);

}  // namespace larder::gateway
