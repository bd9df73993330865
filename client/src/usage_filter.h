// UsageFilter: an event stream without the event that reports usage, all else byte for byte.
#pragma once

#include <string>
#include <string_view>

#include "dialect.h"

namespace larder::client {

// Feed it any cuts of the stream. An event comes out when it is known that it is another one,
// which is at its blank line; a comment between events when its line is whole.
class UsageFilter {
 public:
  explicit UsageFilter(const Endpoint& endpoint) : endpoint_(endpoint) {}

  std::string Feed(std::string_view bytes);
  // At the end of the stream: what its last event lacked was a blank line.
  std::string Rest();

 private:
  // `line` with its end.
  void Line(std::string_view line, std::string& out);
  void EndEvent(std::string& out);

  const Endpoint& endpoint_;
  std::string line_;   // begun
  std::string event_;  // its lines so far
  bool after_carriage_return_ = false;
  bool dropped_ = false;  // the last line that ended was of the event that was left out
};

}  // namespace larder::client
