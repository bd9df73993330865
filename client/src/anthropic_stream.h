// Anthropic messages from one form into the other.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "event_stream.h"
#include "larder/result.h"

namespace larder::client {

struct MessageStream {
  std::string_view problem;  // why it is not a whole message, or ""
  nlohmann::json message;
  bool has_end_mark = false;
  bool told_usage = false;  // of all of it; what its start tells is the input's
};

// Events -> the message that says the same. Of a delta that is not known, strings continue the
// block's member of that name, arrays grow, and else the last one holds.
// Problems: "invalid", "error", "no_end" (no message_stop), "bad_arguments" (a tool's input that
// is no JSON, or nests too deeply to be read).
MessageStream ReadMessageStream(const std::vector<Event>& events);

// A message -> events: text in pieces of about 64 bytes. Errors: kDataLoss (not a message).
Result<std::vector<Event>> SplitMessage(const nlohmann::json& message);

}  // namespace larder::client
