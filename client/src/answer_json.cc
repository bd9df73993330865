#include "answer_json.h"

#include <algorithm>
#include <vector>

#include "json_text.h"

namespace larder::client {
namespace {

// Walks over the top level of an object, text only.
class MemberFinder {
 public:
  explicit MemberFinder(std::string_view text) : text_(text) {}

  struct Span {
    std::size_t begin;
    std::size_t end;
  };

  // Where the members of that name that are strings stand, each with one comma beside it; of a text
  // that is not an object, up to where it is none.
  std::vector<Span> FindAll(std::string_view name) {
    std::vector<Span> found;
    SkipBlanks();
    if (!Take('{')) return found;
    std::size_t comma = 0;  // behind the last member that stays, or 0
    while (true) {
      SkipBlanks();
      const std::size_t begin = position_;
      JsonString key;
      if (!TakeString(key)) return found;
      SkipBlanks();
      if (!Take(':')) return found;
      SkipBlanks();
      const bool wanted = key.raw == name && Peek() == '"';
      if (!SkipValue()) return found;
      const std::size_t end = position_;
      SkipBlanks();
      const bool last = Peek() != ',';
      const std::size_t next_comma = position_;
      if (!last) ++position_;
      SkipBlanks();
      if (wanted && comma != 0) found.push_back({comma, end});
      if (wanted && comma == 0) found.push_back({begin, last ? end : position_});
      if (last) return found;
      // That of one that goes is the next one's where another is before it.
      if (!wanted || comma != 0) comma = next_comma;
    }
  }

 private:
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c) return false;
    ++position_;
    return true;
  }
  void SkipBlanks() {
    while (Peek() == ' ' || Peek() == '\n' || Peek() == '\r' || Peek() == '\t') ++position_;
  }
  bool TakeString(JsonString& string) {
    return Peek() == '"' && ScanJsonString(text_, position_, string) == nullptr;
  }
  // To the comma or brace of the top level that ends the value.
  bool SkipValue() {
    int depth = 0;
    JsonString string;
    while (position_ < text_.size()) {
      const char c = Peek();
      if (c == '"') {
        if (!TakeString(string)) return false;
        if (depth == 0) return true;
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}')) return true;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++position_;
    }
    return false;
  }

  const std::string_view text_;
  std::size_t position_ = 0;
};

struct Extent {
  int depth = 0;           // arrays and objects within each other
  std::size_t values = 0;  // at least as many as there are
};

// Brackets and commas outside strings are all that counts; whether it is JSON is for the parser to
// say.
Extent ExtentOf(std::string_view text) {
  Extent extent;
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      extent.depth = std::max(extent.depth, ++depth);
      ++extent.values;
    } else if (c == '}' || c == ']') {
      --depth;
    } else if (c == ',') {
      ++extent.values;
    }
  }
  return extent;
}

}  // namespace

bool IsDeeperThan(std::string_view text, int max_depth) { return ExtentOf(text).depth > max_depth; }

std::optional<nlohmann::json> ParseAnswer(std::string_view text, int max_depth) {
  return AnswerParser(max_depth).Parse(text);
}

std::optional<nlohmann::json> AnswerParser::Parse(std::string_view text) {
  const Extent extent = ExtentOf(text);
  values_ += extent.values;
  if (extent.depth > max_depth_ || values_ > kMaxAnswerValues) return std::nullopt;
  nlohmann::json value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::string DumpJson(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

const nlohmann::json* FindMember(const nlohmann::json& value, const char* name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() ? nullptr : &*found;
}

std::string_view StringMember(const nlohmann::json& value, const char* name) {
  const nlohmann::json* member = FindMember(value, name);
  if (member == nullptr || !member->is_string()) return {};
  return member->get_ref<const std::string&>();
}

bool IsSet(const nlohmann::json& value, const char* name) {
  const nlohmann::json* member = FindMember(value, name);
  return member != nullptr && !member->is_null();
}

bool HasSomething(const nlohmann::json& value, const char* name) {
  const nlohmann::json* member = FindMember(value, name);
  if (member == nullptr) return false;
  if (member->is_string()) return !member->get_ref<const std::string&>().empty();
  return (member->is_array() || member->is_object()) && !member->empty();
}

std::uint64_t CountMember(const nlohmann::json& value, const char* name) {
  const nlohmann::json* member = FindMember(value, name);
  if (member == nullptr || !member->is_number_integer()) return 0;
  if (member->is_number_unsigned()) return member->get<std::uint64_t>();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(member->get<std::int64_t>(), 0));
}

bool IsGarbled(std::string_view arguments) {
  const bool blank = arguments.find_first_not_of(" \t\r\n") == std::string_view::npos;
  return !blank && !nlohmann::json::accept(arguments);
}

std::string WithoutStringMember(std::string data, std::string_view name) {
  // Most events do not have it, and a search for bytes is the cheapest way to see that.
  if (data.find(name) == std::string::npos) return data;
  std::string kept;
  std::size_t from = 0;
  for (const auto& [begin, end] : MemberFinder(data).FindAll(name)) {
    kept.append(data, from, begin - from);
    from = end;
  }
  return kept.append(data, from);
}

}  // namespace larder::client
