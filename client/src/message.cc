#include "larder/client/message.h"

#include <algorithm>

#include "ascii.h"

namespace larder::client {
namespace {

// RFC 9110, section 7.6.1, and RFC 9112's message framing: they concern one connection.
constexpr std::string_view kHopByHop[] = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
};

bool IsHopByHop(std::string_view name) {
  return std::any_of(std::begin(kHopByHop), std::end(kHopByHop),
                     [&](std::string_view one) { return EqualsIgnoreCase(one, name); });
}

// In lower case and sorted: one head may name thousands, beside as many fields.
std::vector<std::string> NamedByConnection(const Headers& headers) {
  std::vector<std::string> names;
  const std::string list = headers.Joined("connection");
  std::string_view rest = list;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    names.push_back(LowerAscii(TrimBlanks(rest.substr(0, comma))));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return LowerAscii(x) == LowerAscii(y); });
}

const std::string* Headers::Find(std::string_view name) const {
  for (const Header& field : fields_) {
    if (EqualsIgnoreCase(field.name, name)) return &field.value;
  }
  return nullptr;
}

std::string Headers::Joined(std::string_view name) const {
  std::string joined;
  bool first = true;
  for (const Header& field : fields_) {
    if (!EqualsIgnoreCase(field.name, name)) continue;
    if (!first) joined += ", ";
    first = false;
    joined += field.value;
  }
  return joined;
}

void Headers::Add(std::string name, std::string value) {
  fields_.push_back({std::move(name), std::move(value)});
}

void Headers::Set(std::string name, std::string value) {
  Remove(name);
  Add(std::move(name), std::move(value));
}

void Headers::Remove(std::string_view name) {
  std::erase_if(fields_, [&](const Header& field) { return EqualsIgnoreCase(field.name, name); });
}

void Headers::RemoveHopByHop() {
  const std::vector<std::string> named = NamedByConnection(*this);
  std::erase_if(fields_, [&](const Header& field) {
    return IsHopByHop(field.name) ||
           (!named.empty() &&
            std::binary_search(named.begin(), named.end(), LowerAscii(field.name)));
  });
}

}  // namespace larder::client
