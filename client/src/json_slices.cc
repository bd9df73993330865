#include "json_slices.h"

#include <utility>

#include "json_text.h"

namespace larder::client {
namespace {

// Walks over the top level of a container. The text is known to be JSON; nothing is read beyond
// its end even where it is not.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) { SkipBlanks(); }

  bool Take(char c) {
    SkipBlanks();
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  bool TakeName(std::string& name) {
    SkipBlanks();
    JsonString string;
    if (position_ >= text_.size() || text_[position_] != '"') return false;
    if (ScanJsonString(text_, position_, string) != nullptr) return false;
    name = string.escaped ? DecodeJsonString(string.raw) : std::string(string.raw);
    return Take(':');
  }

  // Up to the comma or bracket behind the value.
  std::string_view TakeValue() {
    SkipBlanks();
    const std::size_t begin = position_;
    int depth = 0;
    while (position_ < text_.size()) {
      const char c = text_[position_];
      if (c == '"') {
        JsonString string;
        if (ScanJsonString(text_, position_, string) != nullptr) break;
        continue;
      }
      const bool closes = c == '}' || c == ']';
      if (depth == 0 && (c == ',' || closes)) break;
      depth += c == '{' || c == '[' ? 1 : closes ? -1 : 0;
      ++position_;
    }
    std::string_view value = text_.substr(begin, position_ - begin);
    while (!value.empty() && IsBlank(value.back())) value.remove_suffix(1);
    return value;
  }

 private:
  static bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  void SkipBlanks() {
    while (position_ < text_.size() && IsBlank(text_[position_])) ++position_;
  }

  const std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

std::vector<MemberSlice> MembersOf(std::string_view text, std::size_t most) {
  std::vector<MemberSlice> members;
  Walker walker(text);
  if (!walker.Take('{')) return members;
  std::string name;
  while (members.size() <= most && walker.TakeName(name)) {
    members.push_back({std::move(name), walker.TakeValue()});
    if (!walker.Take(',')) break;
  }
  return members;
}

std::vector<std::string_view> ElementsOf(std::string_view text, std::size_t most) {
  std::vector<std::string_view> elements;
  Walker walker(text);
  if (!walker.Take('[') || walker.Take(']')) return elements;
  do {
    elements.push_back(walker.TakeValue());
  } while (elements.size() <= most && walker.Take(','));
  return elements;
}

std::string_view FindSlice(const std::vector<MemberSlice>& members, std::string_view name) {
  std::string_view found;
  for (const MemberSlice& member : members) {
    if (member.name == name) found = member.value;
  }
  return found;
}

std::string_view FindMemberText(std::string_view text, std::string_view name) {
  std::string_view found;
  Walker walker(text);
  if (!walker.Take('{')) return found;
  std::string one;
  for (std::size_t i = 0; i < kMostMembers && walker.TakeName(one); ++i) {
    const std::string_view value = walker.TakeValue();
    if (one == name) found = value;
    if (!walker.Take(',')) break;
  }
  return found;
}

std::optional<std::string> ReadString(std::string_view value) {
  JsonString string;
  std::size_t position = 0;
  if (!value.starts_with('"') || ScanJsonString(value, position, string) != nullptr) {
    return std::nullopt;
  }
  if (position != value.size()) return std::nullopt;
  return string.escaped ? DecodeJsonString(string.raw) : std::string(string.raw);
}

void ObjectWriter::Add(std::string_view name, std::string_view value) {
  if (text_.size() > 1) text_ += ',';
  AppendJsonString(name, text_);
  text_ += ':';
  text_ += value;
}

std::string ObjectWriter::Take() { return std::exchange(text_, "{") + "}"; }

}  // namespace larder::client
