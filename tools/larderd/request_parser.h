// RequestParser: bytes -> one request; knows no connection. The only file that knows Beast's
// parser.
#pragma once

#include <cstddef>
#include <memory>

#include "framing.h"
#include "server_limits.h"
#include "server_request.h"

namespace larder::gateway {

class RequestParser {
 public:
  enum class State {
    kHead,     // needs more of the head
    kBody,     // needs more of the body, or of its trailers
    kDone,     // what follows in the input belongs to the next request
    kRefused,  // it says why
  };

  // `limits` must outlive it.
  explicit RequestParser(const ServerLimits& limits);
  ~RequestParser();

  // Takes what it can from the front of `input`, whatever the pieces in which it comes. Not to be
  // called again after kDone or kRefused.
  State Take(std::string& input);

  // As far as it was read. The fields are those of the head: trailers are read and dropped.
  ServerRequest& request() { return request_; }
  HttpVersion version() const { return version_; }
  const Refusal& refusal() const { return refusal_; }
  // Of the body, so far.
  std::size_t body_bytes() const;
  // What the caller wants to become of the connection; after kDone.
  bool keep_alive() const;

 private:
  struct Parser;

  State Refuse(Refusal why);
  // Copies the head out of the parser; false if it is refused.
  bool TakeHead();

  const ServerLimits& limits_;
  std::unique_ptr<Parser> parser_;
  ServerRequest request_;
  HttpVersion version_ = HttpVersion::k11;
  Refusal refusal_;
  bool begun_ = false;
  bool has_head_ = false;
};

}  // namespace larder::gateway
