// Events do not depend on how the stream is cut, and what is written reads back.
#include <algorithm>
#include <cstdint>

#include "event_stream.h"
#include "fuzz_check.h"

using larder::client::Event;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<Event> whole = larder::client::ParseEventStream(text);
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}}) {
    larder::client::EventStreamParser parser;
    std::vector<Event> events;
    for (std::size_t at = 0; at < size; at += step) parser.Feed(text.substr(at, step), events);
    parser.Finish(events);
    FUZZ_CHECK(events == whole);
  }
  std::string written;
  for (const Event& event : whole) larder::client::WriteEvent(event, written);
  FUZZ_CHECK(larder::client::ParseEventStream(written) == whole);
  return 0;
}
