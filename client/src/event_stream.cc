#include "event_stream.h"

#include <algorithm>

namespace larder::client {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

// Only an unfinished line is kept in buffer_, and only new bytes are searched for its end, so the
// work is linear however the stream is cut.
void EventStreamParser::Feed(std::string_view bytes, std::vector<Event>& events) {
  if (skip_lf_ && !bytes.empty()) {
    if (bytes.front() == '\n') bytes.remove_prefix(1);
    skip_lf_ = false;
  }
  while (true) {
    const std::size_t end = bytes.find_first_of("\r\n");
    if (end == std::string_view::npos) break;
    if (buffer_.empty()) {
      Line(bytes.substr(0, end), events);
    } else {
      buffer_ += bytes.substr(0, end);
      Line(buffer_, events);
      buffer_.clear();
    }
    const bool carriage_return = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (!carriage_return) continue;
    // CRLF is one end of line, also when it is cut in two.
    if (bytes.empty()) {
      skip_lf_ = true;
    } else if (bytes.front() == '\n') {
      bytes.remove_prefix(1);
    }
  }
  buffer_ += bytes;
}

bool EventStreamParser::Finish(std::vector<Event>& events) {
  const bool cut = !buffer_.empty();
  if (cut) Line(buffer_, events);
  buffer_.clear();
  Line("", events);
  return cut;
}

void EventStreamParser::Line(std::string_view line, std::vector<Event>& events) {
  if (at_start_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (line.empty()) {
    if (has_data_) events.push_back(std::move(current_));
    current_ = {};
    has_data_ = false;
    return;
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    current_.name = value;
  } else if (field == "data") {
    if (has_data_) current_.data += '\n';
    current_.data += value;
    has_data_ = true;
  }
  // Comments have an empty name; `id`, `retry` and unknown fields say nothing about the answer.
}

std::vector<Event> ParseEventStream(std::string_view bytes) {
  std::vector<Event> events;
  EventStreamParser parser;
  parser.Feed(bytes, events);
  parser.Finish(events);
  return events;
}

void WriteEvent(const Event& event, std::string& out) {
  if (!event.name.empty()) {
    out += "event: ";
    out += event.name;
    out += '\n';
  }
  std::string_view rest = event.data;
  while (true) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += "data: ";
    out += rest.substr(0, end);
    out += '\n';
    if (end == rest.size()) break;
    rest.remove_prefix(end + 1);
  }
  out += '\n';
}

}  // namespace larder::client
