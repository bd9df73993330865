// ResponseHeadParser: the head of an answer, checked more strictly than libcurl does.
//
// What two parsers can read differently is refused, not guessed at: doubled or junk lengths,
// lengths beside chunks, unknown transfer codings, junk lines, heads without end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "larder/client/message.h"
#include "larder/status.h"

namespace larder::client {

class ResponseHeadParser {
 public:
  // All heads of one answer together, interim (1xx) ones included.
  static constexpr std::size_t kMaxHeadBytes = std::size_t{64} << 10;

  // `no_body`: whatever the head says, no body follows (HEAD).
  explicit ResponseHeadParser(bool no_body) : no_body_(no_body) {}

  // One line, with or without its line end; the empty line ends a head. Lines after the end of
  // the final head (trailers) are ignored. Errors: kUnavailable, saying what is wrong.
  Status AddLine(std::string_view line);

  // The final head is there.
  bool complete() const { return complete_; }
  // Once complete: without hop-by-hop fields. Leaves this empty.
  ResponseHead Take() { return std::move(head_); }
  // Once complete: how many bytes of body the head announces, or npos.
  std::size_t body_bytes() const { return body_bytes_; }

 private:
  Status AddStatusLine(std::string_view line);
  Status AddField(std::string_view line);
  Status FinishHead();

  const bool no_body_;
  ResponseHead head_;
  std::size_t head_bytes_ = 0;
  std::size_t body_bytes_ = std::string_view::npos;
  bool started_ = false;
  bool framed_by_stream_ = false;  // HTTP/2: frames tell the end
  bool complete_ = false;
};

}  // namespace larder::client
