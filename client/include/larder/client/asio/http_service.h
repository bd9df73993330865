// HttpService: the client's one interface. A request in, a response out whose body arrives in
// pieces. The transport and every decorator implement it, so that a client is a stack:
// caching( retrying( http )). Start here to write a decorator.
//
// Coroutines on Boost.Asio; this folder holds the only public headers that need Asio, for programs
// that run on it, as larderd does. caching_client.h is the same stack for all others.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "larder/client/message.h"
#include "larder/result.h"
#include "larder/shared_bytes.h"

namespace larder::client {

// A body in flight. One reader; destroying it cancels what it still waits for.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  // The next piece as it arrived; an empty one is the proper end. An error means that the body is
  // cut short and must not be passed on as complete.
  virtual boost::asio::awaitable<Result<SharedBytes>> Read() = 0;
};

struct Response {
  ResponseHead head;
  std::unique_ptr<BodyReader> body;  // never null
};

// Used from one io_context (one thread); a decorator owns what it decorates.
class HttpService {
 public:
  virtual ~HttpService() = default;
  // Completes when the head is there. Cancelling the coroutine cancels the exchange.
  // Errors: kUnavailable (no connection, or it broke), kDeadlineExceeded (which limit, in the
  // message), kCancelled, kInvalidArgument (not a request that can be sent). An answer with a
  // status of 400 or more is a response, not an error.
  virtual boost::asio::awaitable<Result<Response>> Send(Request request) = 0;
};

}  // namespace larder::client
