#include "coarse_traits.h"

#include <bit>
#include <deque>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace larder::client {
namespace {

using nlohmann::json;

struct Part {
  std::string place;
  const json* value;
};

std::string TextOf(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// How many members to take out of `count` where the traits may become `room` more; 0: none. A
// power of two, so that one part more elsewhere seldom moves the border in an equal list.
std::size_t Taken(std::size_t count, std::size_t room) {
  if (count <= room + 1) return count;
  return room < 2 ? 0 : std::bit_floor(room);
}

// The first `count` members, or none if one of them has too long a name.
std::vector<Part> Members(const Part& whole, std::size_t count) {
  std::vector<Part> members;
  for (auto it = whole.value->begin(); members.size() < count; ++it) {
    json::json_pointer name;
    if (whole.value->is_object()) {
      name.push_back(it.key());
    } else {
      name.push_back(std::to_string(members.size()));
    }
    std::string place = whole.place + name.to_string();
    if (place.size() > kMaxPlaceBytes) return {};
    members.push_back({std::move(place), &*it});
  }
  return members;
}

// The members behind the first `count`, as one text.
std::string Rest(const json& whole, std::size_t count) {
  std::string text;
  for (auto it = std::next(whole.begin(), static_cast<std::ptrdiff_t>(count)); it != whole.end();
       ++it) {
    if (whole.is_object()) text += TextOf(it.key()) + ':';
    text += TextOf(*it) + ',';
  }
  return text;
}

}  // namespace

void AddCoarseBody(std::string_view body, std::string_view secret, RequestTraits& traits) {
  const json parsed = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) {
    traits["body"] = HashTrait(body, secret);
    return;
  }
  std::deque<Part> open = {{"", &parsed}};
  while (!open.empty()) {
    const Part part = std::move(open.front());
    open.pop_front();
    const std::size_t so_far = traits.size() + open.size() + 1;  // with this one whole
    const std::size_t room = so_far < kMaxCoarseTraits ? kMaxCoarseTraits - so_far : 0;
    const std::size_t count = part.value->is_structured() ? part.value->size() : 0;
    std::vector<Part> members = Members(part, Taken(count, room));
    if (members.empty()) {
      traits[part.place] = HashTrait(TextOf(*part.value), secret);
      continue;
    }
    if (members.size() < count) {
      const std::string rest = Rest(*part.value, members.size());
      traits["after " + members.back().place] = HashTrait(rest, secret);
    }
    std::move(members.begin(), members.end(), std::back_inserter(open));
  }
}

}  // namespace larder::client
