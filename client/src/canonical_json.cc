// Two steps. The parser checks everything once and leaves a light tree: scalars are views of the
// input wherever the input is canonical already, which nearly all text is. The writer then copies
// them out in order. So the work is linear but for sorting names, whatever the nesting, and no
// string is copied more than once.
#include "canonical_json.h"

#include <algorithm>
#include <cstdint>
#include <deque>

#include "json_text.h"

namespace larder::client {
namespace {

enum class Kind : unsigned char { kText, kArray, kObject };

struct Value {
  Kind kind = Kind::kText;
  std::string_view text;  // kText: the canonical form
  std::size_t first = 0;  // else: its members in Tree::members
  std::size_t count = 0;
};

struct Member {
  std::string_view name;     // decoded; empty in arrays
  std::string_view literal;  // the name in its canonical form, with quotes
  Value value;
};

struct Tree {
  Value root;
  std::vector<Member> members;
  std::deque<std::string> texts;  // what the views refer to where it is not the input
};

class Parser {
 public:
  Parser(std::string_view text, Tree& tree) : text_(text), tree_(tree) {}

  Status Parse() {
    SkipBlanks();
    if (!ParseValue(tree_.root, 0)) return Failure();
    SkipBlanks();
    if (position_ == text_.size()) return Status::Ok();
    Fail("something after the value");
    return Failure();
  }

 private:
  bool Fail(const char* wrong) {
    wrong_ = wrong;
    return false;
  }
  Status Failure() const {
    return {StatusCode::kInvalidArgument,
            std::string(wrong_) + " at byte " + std::to_string(position_)};
  }
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  void SkipBlanks() {
    while (Peek() == ' ' || Peek() == '\n' || Peek() == '\r' || Peek() == '\t') ++position_;
  }
  std::string_view Keep(std::string text) { return tree_.texts.emplace_back(std::move(text)); }

  bool ParseValue(Value& value, int depth) {
    switch (Peek()) {
      case '{': return ParseContainer(value, Kind::kObject, depth + 1);
      case '[': return ParseContainer(value, Kind::kArray, depth + 1);
      case '"': {
        std::string_view name;
        return ParseString(name, value.text, false);
      }
      case 't': return ParseWord("true", value);
      case 'f': return ParseWord("false", value);
      case 'n': return ParseWord("null", value);
      default: return ParseNumber(value);
    }
  }

  bool ParseWord(std::string_view word, Value& value) {
    if (text_.substr(position_, word.size()) != word) return Fail("not a value");
    value.text = word;
    position_ += word.size();
    return true;
  }

  bool ParseNumber(Value& value) {
    const std::size_t start = position_;
    number_.clear();
    if (const char* wrong = CopyJsonNumber(text_, position_, number_)) return Fail(wrong);
    const std::string_view literal = text_.substr(start, position_ - start);
    value.text = literal == number_ ? literal : Keep(number_);
    return true;
  }

  // The canonical literal, and, if asked for, the text that it stands for.
  bool ParseString(std::string_view& decoded, std::string_view& literal, bool decode) {
    JsonString string;
    const std::size_t start = position_;
    if (const char* wrong = ScanJsonString(text_, position_, string)) return Fail(wrong);
    decoded = string.raw;
    literal = text_.substr(start, position_ - start);
    if (!string.escaped || (string.canonical && !decode)) return true;
    decoded = Keep(DecodeJsonString(string.raw));
    if (string.canonical) return true;
    std::string canonical;
    AppendJsonString(decoded, canonical);
    literal = Keep(std::move(canonical));
    return true;
  }

  bool ParseContainer(Value& value, Kind kind, int depth) {
    if (depth > kMaxJsonDepth) return Fail("nesting over 256");
    const char close = kind == Kind::kObject ? '}' : ']';
    // Members wait on open_ until their container is complete, so that they lie side by side.
    const std::size_t base = open_.size();
    ++position_;
    SkipBlanks();
    if (Peek() != close) {
      do {
        SkipBlanks();
        Member member;
        if (kind == Kind::kObject && !ParseName(member)) return false;
        if (!ParseValue(member.value, depth)) return false;
        open_.push_back(member);
        SkipBlanks();
      } while (TakeComma());
    }
    if (Peek() != close) return Fail(position_ == text_.size() ? "cut short" : "bad separator");
    value.kind = kind;
    value.first = tree_.members.size();
    value.count = open_.size() - base;
    if (kind == Kind::kObject) {
      if (!CloseObject(base)) return false;
    } else {
      tree_.members.insert(tree_.members.end(), open_.begin() + static_cast<std::ptrdiff_t>(base),
                           open_.end());
    }
    ++position_;
    open_.resize(base);
    return true;
  }

  bool TakeComma() {
    if (Peek() != ',') return false;
    ++position_;
    return true;
  }

  bool ParseName(Member& member) {
    if (Peek() != '"') return Fail("a name must be a string");
    if (!ParseString(member.name, member.literal, true)) return false;
    SkipBlanks();
    if (Peek() != ':') return Fail("a name without a value");
    ++position_;
    SkipBlanks();
    return true;
  }

  // In order of names. Sorted by their first bytes and place: most names need no more of a look,
  // and members are large to move.
  bool CloseObject(std::size_t base) {
    order_.clear();
    for (std::size_t i = base; i < open_.size(); ++i) {
      order_.push_back({Utf16Prefix(open_[i].name), i});
    }
    std::sort(order_.begin(), order_.end(), [this](const Place& a, const Place& b) {
      return a.prefix != b.prefix ? a.prefix < b.prefix
                                  : Utf16Less(open_[a.index].name, open_[b.index].name);
    });
    for (const Place& place : order_) {
      const Member& member = open_[place.index];
      const bool first = &place == order_.data();
      if (!first && tree_.members.back().name == member.name) {
        return Fail("duplicate name in the object ending");
      }
      tree_.members.push_back(member);
    }
    return true;
  }

  const std::string_view text_;
  Tree& tree_;
  std::size_t position_ = 0;
  const char* wrong_ = "";
  std::vector<Member> open_;
  struct Place {
    std::uint64_t prefix;
    std::size_t index;
  };
  std::vector<Place> order_;
  std::string number_;
};

void Write(const Tree& tree, const Value& value, std::string& out) {
  if (value.kind == Kind::kText) {
    out += value.text;
    return;
  }
  const bool object = value.kind == Kind::kObject;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i < value.count; ++i) {
    const Member& member = tree.members[value.first + i];
    if (i > 0) out += ',';
    if (object) {
      out += member.literal;
      out += ':';
    }
    Write(tree, member.value, out);
  }
  out += object ? '}' : ']';
}

}  // namespace

std::optional<std::string_view> CanonicalObject::Find(std::string_view name) const {
  for (const Member& member : members) {
    if (member.name != name) continue;
    return std::string_view(member.kept ? text : left_out_text).substr(member.offset, member.size);
  }
  return std::nullopt;
}

Result<CanonicalObject> CanonicalizeObject(std::string_view body,
                                           std::span<const std::string_view> leave_out) {
  Tree tree;
  if (Status status = Parser(body, tree).Parse(); !status.ok()) return status;
  if (tree.root.kind != Kind::kObject) {
    return Status(StatusCode::kInvalidArgument, "not a JSON object");
  }
  CanonicalObject object;
  object.text.reserve(body.size());
  object.text += '{';
  for (std::size_t i = 0; i < tree.root.count; ++i) {
    const Member& member = tree.members[tree.root.first + i];
    const bool kept = std::find(leave_out.begin(), leave_out.end(), member.name) == leave_out.end();
    std::string& out = kept ? object.text : object.left_out_text;
    if (!kept) object.left_out.emplace_back(member.name);
    if (kept) {
      if (out.size() > 1) out += ',';
      out += member.literal;
      out += ':';
    }
    const std::size_t offset = out.size();
    Write(tree, member.value, out);
    object.members.push_back({std::string(member.name), offset, out.size() - offset, kept});
  }
  object.text += '}';
  return object;
}

Result<std::string> CanonicalizeValue(std::string_view text) {
  Tree tree;
  if (Status status = Parser(text, tree).Parse(); !status.ok()) return status;
  std::string out;
  out.reserve(text.size());
  Write(tree, tree.root, out);
  return out;
}

}  // namespace larder::client
