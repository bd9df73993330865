// ServerLimits: what one caller may take of the server.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "larder/clock.h"
#include "request_memory.h"

namespace larder::gateway {

struct ServerLimits {
  // Request line and fields, and apart from them what belongs to one chunk's header or to the
  // trailers. Twice what the providers accept.
  std::size_t max_head_bytes = std::size_t{64} << 10;
  // What the head costs grows with their number. SDKs send some thirty, and a chain of proxies adds
  // as many at most.
  std::size_t max_fields = 256;
  // Path and query. The longest that is known is a Responses API id with a few parameters.
  std::size_t max_target_bytes = std::size_t{16} << 10;
  // gateway.max_body_bytes.
  std::uint64_t max_body_bytes = std::uint64_t{32} << 20;

  // Of the bodies of all requests; null: whatever they take.
  std::shared_ptr<RequestMemory> request_memory = nullptr;

  // A connection without a request. Above the 60 s of most load balancers, so that they close
  // first and no request meets a closing connection.
  Duration idle_timeout = std::chrono::seconds(75);
  // From the first byte of a head to its last.
  Duration head_timeout = std::chrono::seconds(30);
  // A body may take this long plus what it needs at min_body_bytes_per_second, and pause this long.
  Duration body_timeout = std::chrono::seconds(30);
  std::uint64_t min_body_bytes_per_second = 4096;
  // Without a single byte taken by the caller.
  Duration write_timeout = std::chrono::seconds(30);
  // How long what a refused caller still sends is read and dropped, so that the refusal is not
  // lost to a reset.
  Duration linger_timeout = std::chrono::seconds(2);
};

// How often a thread looks at the deadlines of its connections.
inline constexpr Duration kTick = std::chrono::milliseconds(250);

}  // namespace larder::gateway
