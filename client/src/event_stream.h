// Server-sent events (WHATWG HTML, section 9.2): parser and writer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace larder::client {

struct Event {
  std::string name;  // the `event` field; empty if there was none
  std::string data;  // `data` lines joined by LF
  friend bool operator==(const Event&, const Event&) = default;
};

// Incremental: feed any cuts of the byte stream, take whole events. Accepts LF, CRLF and CR, a
// leading byte order mark, comments.
class EventStreamParser {
 public:
  // Appends the events that `bytes` completes to `events`.
  void Feed(std::string_view bytes, std::vector<Event>& events);
  // At the end of the stream: adds the event whose closing blank line is missing, a last line
  // without its end included, and says whether there was such a line: then the stream may be cut.
  bool Finish(std::vector<Event>& events);

 private:
  void Line(std::string_view line, std::vector<Event>& events);
  std::string buffer_;
  Event current_;
  bool has_data_ = false;
  bool at_start_ = true;
  bool skip_lf_ = false;
};

std::vector<Event> ParseEventStream(std::string_view bytes);
// "event: name\ndata: ...\n\n" appended to `out`.
void WriteEvent(const Event& event, std::string& out);

}  // namespace larder::client
