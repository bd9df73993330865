// EventEnds: of an event stream of any length its first events and its last, in bounded memory.
#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <utility>
#include <vector>

#include "event_stream.h"

namespace larder::client {

// Enough for its usage, of which a part comes first (Anthropic) and the rest last, and for how it
// ended. The last event may hold all that was said before (Responses): it is kept whole.
class EventEnds {
 public:
  // An event that takes more is not kept.
  explicit EventEnds(std::size_t most_event_bytes) : most_event_bytes_(most_event_bytes) {}

  // Any cuts of the byte stream. False: it has such an event, and nothing more is to be added.
  bool Add(std::string_view bytes);
  // At the end of the stream.
  std::vector<Event> Take();
  // What is kept takes no more than that.
  std::size_t bytes() const { return first_bytes_ + last_bytes_ + unfinished_bytes_; }

 private:
  void Keep(Event event);

  std::size_t most_event_bytes_;
  EventStreamParser parser_;
  std::vector<Event> first_;
  std::deque<Event> last_;
  std::size_t first_bytes_ = 0;
  std::size_t last_bytes_ = 0;
  std::size_t unfinished_bytes_ = 0;  // of the event that has not come to its end, at most
};

}  // namespace larder::client
