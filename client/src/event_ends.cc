#include "event_ends.h"

namespace larder::client {
namespace {

constexpr std::size_t kFirstBytes = std::size_t{4} << 10;
constexpr std::size_t kLastBytes = std::size_t{60} << 10;

std::size_t BytesOf(const Event& event) {
  return sizeof(Event) + event.name.size() + event.data.size();
}

}  // namespace

bool EventEnds::Add(std::string_view bytes) {
  std::vector<Event> events;
  parser_.Feed(bytes, events);
  if (!events.empty()) unfinished_bytes_ = 0;
  unfinished_bytes_ += bytes.size();
  for (Event& event : events) Keep(std::move(event));
  return unfinished_bytes_ <= most_event_bytes_;
}

std::vector<Event> EventEnds::Take() {
  std::vector<Event> rest;
  parser_.Finish(rest);
  for (Event& event : rest) Keep(std::move(event));
  std::vector<Event> events = std::move(first_);
  for (Event& event : last_) events.push_back(std::move(event));
  return events;
}

void EventEnds::Keep(Event event) {
  const std::size_t bytes = BytesOf(event);
  if (last_.empty() && first_bytes_ + bytes <= kFirstBytes) {
    first_bytes_ += bytes;
    first_.push_back(std::move(event));
    return;
  }
  last_bytes_ += bytes;
  last_.push_back(std::move(event));
  // The last but one may be the one that says all, before a `[DONE]`.
  while (last_bytes_ > kLastBytes && last_.size() > 2) {
    last_bytes_ -= BytesOf(last_.front());
    last_.pop_front();
  }
}

}  // namespace larder::client
