// The HTTP edge: bytes as they come off the wire, in any pieces.
//
// Whatever the pieces, the same bytes mean the same; and what was accepted means the same again
// when it is written out plainly, as a next hop would see it: nothing can be smuggled.
#include <algorithm>
#include <cstdint>
#include <string>

#include "fuzz_check.h"
#include "larder/client/directives.h"
#include "request_parser.h"

namespace {

using larder::gateway::RequestParser;
using larder::gateway::ServerLimits;
using larder::gateway::ServerRequest;
using State = RequestParser::State;

const ServerLimits& Limits() {
  static const ServerLimits limits = [] {
    ServerLimits small;
    small.max_head_bytes = 2048;
    small.max_target_bytes = 256;
    small.max_body_bytes = 512;
    return small;
  }();
  return limits;
}

struct Parsed {
  State state = State::kHead;
  int refusal = 0;
  ServerRequest request;
  std::string rest;
};

Parsed Parse(const std::string& bytes, std::size_t piece) {
  RequestParser parser(Limits());
  Parsed parsed;
  std::size_t given = 0;
  while (parsed.state == State::kHead || parsed.state == State::kBody) {
    if (given == bytes.size()) break;
    const std::size_t count = std::min(piece, bytes.size() - given);
    parsed.rest.append(bytes, given, count);
    given += count;
    parsed.state = parser.Take(parsed.rest);
  }
  parsed.rest.append(bytes, given);
  parsed.refusal = parser.refusal().status;
  parsed.request = std::move(parser.request());
  return parsed;
}

bool Same(const ServerRequest& a, const ServerRequest& b) {
  return a.method == b.method && a.target == b.target && a.body == b.body &&
         std::equal(a.headers.begin(), a.headers.end(), b.headers.begin(), b.headers.end());
}

std::string WriteOut(const ServerRequest& request) {
  std::string text = request.method + " " + request.target + " HTTP/1.1\r\n";
  for (const larder::client::Header& field : request.headers) {
    FUZZ_CHECK(field.value.find_first_of(std::string("\r\n\0", 3)) == std::string::npos);
    text += field.name + ": " + field.value + "\r\n";
  }
  return text + "\r\n" + request.body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 8192) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Parsed whole = Parse(bytes, std::max<std::size_t>(size, 1));
  for (const std::size_t piece : {1U, 7U}) {
    const Parsed pieces = Parse(bytes, piece);
    // What is refused may be refused sooner or later, but never accepted.
    FUZZ_CHECK((pieces.state == State::kDone) == (whole.state == State::kDone));
    if (whole.state != State::kDone) continue;
    FUZZ_CHECK(Same(pieces.request, whole.request));
    FUZZ_CHECK(pieces.rest == whole.rest);
  }
  if (whole.state == State::kRefused) FUZZ_CHECK(whole.refusal >= 400 && whole.refusal < 600);
  if (whole.state != State::kDone) return 0;
  FUZZ_CHECK(whole.request.body.size() <= Limits().max_body_bytes);
  FUZZ_CHECK(whole.request.target.starts_with('/'));
  static_cast<void>(larder::client::ParseDirectives(whole.request.headers));

  ServerRequest plain = whole.request;
  plain.headers.Remove("transfer-encoding");
  plain.headers.Remove("expect");
  plain.headers.Remove("host");
  plain.headers.Set("host", "a");
  plain.headers.Set("content-length", std::to_string(plain.body.size()));
  const std::string written = WriteOut(plain);
  if (written.size() > Limits().max_head_bytes) return 0;
  const Parsed again = Parse(written + "GET /next", written.size() + 9);
  FUZZ_CHECK(again.state == State::kDone);
  FUZZ_CHECK(Same(again.request, plain));
  FUZZ_CHECK(again.rest == "GET /next");
  return 0;
}
