#include "usage_filter.h"

#include <utility>

#include "event_stream.h"

namespace larder::client {

std::string UsageFilter::Feed(std::string_view bytes) {
  std::string out;
  // CRLF is one end of line, also when it is cut in two.
  const bool was_after_it =
      std::exchange(after_carriage_return_, bytes.empty() && after_carriage_return_);
  if (was_after_it && bytes.starts_with('\n')) {
    bytes.remove_prefix(1);
    if (!event_.empty()) {
      event_ += '\n';
    } else if (!dropped_) {
      out += '\n';
    }
  }
  while (true) {
    std::size_t end = bytes.find_first_of("\r\n");
    if (end == std::string_view::npos) break;
    after_carriage_return_ = bytes[end] == '\r' && end + 1 == bytes.size();
    if (bytes.substr(end).starts_with("\r\n")) ++end;
    line_ += bytes.substr(0, end + 1);
    bytes.remove_prefix(end + 1);
    Line(std::exchange(line_, {}), out);
  }
  line_ += bytes;
  return out;
}

std::string UsageFilter::Rest() {
  std::string out;
  event_ += std::exchange(line_, {});
  EndEvent(out);
  return out;
}

void UsageFilter::Line(std::string_view line, std::string& out) {
  const bool blank = line.front() == '\r' || line.front() == '\n';
  dropped_ = false;
  if (event_.empty() && (blank || line.front() == ':')) {
    out += line;
    return;
  }
  event_ += line;
  if (blank) EndEvent(out);
}

void UsageFilter::EndEvent(std::string& out) {
  const std::string event = std::exchange(event_, {});
  dropped_ = endpoint_.UsageEvent(ParseEventStream(event)).has_value();
  if (!dropped_) out += event;
}

}  // namespace larder::client
