// What a handler is given and what it answers with: the seam between the HTTP server and the
// gateway's own doings. Nothing here knows a parser or a socket.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/message.h"
#include "larder/shared_bytes.h"
#include "server_request.h"

namespace larder::gateway {

// The head of an answer. Hop-by-hop and framing fields in it are ignored but for
// `content-length`, which then the body must match.
struct AnswerHead {
  int status = 200;
  client::Headers headers;
};

// The way back to one caller. A member that returns false says that the caller is gone, or that
// the answer broke its own framing: nothing more can be sent. A handler that returns without a
// finished answer makes the server break the connection, so that a cut body never looks whole.
class Responder {
 public:
  virtual ~Responder() = default;

  // A whole answer, written as one; its length is that of the pieces.
  virtual boost::asio::awaitable<bool> Send(AnswerHead head, std::vector<SharedBytes> body) = 0;

  // An answer in pieces: the head goes out at once. Without `content-length` it is chunked, or,
  // for HTTP/1.0, ended by the end of the connection.
  virtual boost::asio::awaitable<bool> Start(AnswerHead head) = 0;
  // Returns when the piece is written, so that a slow caller slows its source down.
  virtual boost::asio::awaitable<bool> Write(SharedBytes piece) = 0;
  virtual boost::asio::awaitable<bool> Finish() = 0;

  virtual bool started() const = 0;
};

// Answers requests; one for each io thread, used on that thread only.
class Handler {
 public:
  virtual ~Handler() = default;

  // May take parts of the request over. Is cancelled (by an exception of Asio) when the caller
  // hangs up meanwhile.
  virtual boost::asio::awaitable<void> Handle(ServerRequest& request, Responder& responder) = 0;

  // Body of an error that the server answers by itself; `request` is as far as it was read.
  virtual std::string ErrorBody(int status, std::string_view message,
                                const ServerRequest& request) const = 0;

  // Is told of each request that the server refused by itself with `status`.
  virtual void OnRefused(int /*status*/) {}
};

}  // namespace larder::gateway
