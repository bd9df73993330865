// The head of an answer as bytes.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

#include "exchange.h"

namespace larder::gateway {

struct HeadFraming {
  bool http10 = false;  // the caller speaks HTTP/1.0
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
};

// Status line and fields up to the empty line. Hop-by-hop and framing fields of `head` give way to
// those of `framing`; a missing Date is added; a control character in a value becomes a space, so
// that no value can begin a field of its own.
std::string WriteHead(const AnswerHead& head, const HeadFraming& framing, std::time_t now);

// "Not Found", or "" for a status that has no name.
std::string_view ReasonPhrase(int status);

// The number in the head's one `content-length`, if it has one.
std::optional<std::uint64_t> ContentLength(const client::Headers& headers);

}  // namespace larder::gateway
