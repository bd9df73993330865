#include "canonical_tree.h"

#include <algorithm>

#include "canonical_json.h"
#include "json_text.h"
#include "name_order.h"

namespace larder::client {
namespace {

using Kind = CanonicalTree::Kind;
using Node = CanonicalTree::Node;
constexpr std::uint32_t kAsRead = CanonicalTree::kAsRead;

class Parser {
 public:
  Parser(std::string_view text, CanonicalTree& tree) : text_(text), tree_(tree) {}

  Status Parse() {
    if (!ParseAll()) {
      const bool too_many = values_ > kMaxJsonValues;
      return {too_many ? StatusCode::kResourceExhausted : StatusCode::kInvalidArgument,
              std::string(wrong_) + " at byte " + std::to_string(position_)};
    }
    return Status::Ok();
  }

 private:
  bool ParseAll() {
    if (text_.size() >= kAsRead) return Fail("body over 4 GiB");
    SkipBlanks();
    if (!ParseNode(false, 0)) return false;
    SkipBlanks();
    return position_ == text_.size() || Fail("something after the value");
  }

  bool Fail(const char* wrong) {
    wrong_ = wrong;
    return false;
  }
  char Peek() const { return position_ < text_.size() ? text_[position_] : '\0'; }
  void SkipBlanks() {
    while (Peek() <= ' ' && (Peek() == ' ' || Peek() == '\n' || Peek() == '\r' || Peek() == '\t')) {
      ++position_;
    }
  }
  std::string_view Keep(std::string text) { return tree_.texts.emplace_back(std::move(text)); }
  std::string_view From(std::size_t start) const { return text_.substr(start, position_ - start); }

  // Room for as many nodes as there will be if the rest is like what was read: memory that is
  // touched for the first time costs more than the parsing.
  void MakeRoom() {
    constexpr std::size_t kFew = 64;
    const std::size_t count = tree_.nodes.size();
    const double share = static_cast<double>(position_ + 1) / static_cast<double>(text_.size() + 1);
    const auto expected = static_cast<std::size_t>(static_cast<double>(count) / share);
    const std::size_t likely = std::max(expected + expected / 16, count + count / 2) + kFew;
    tree_.nodes.reserve(std::min(likely, kMaxJsonValues));
  }

  bool ParseNode(bool named, int depth) {
    if (++values_ > kMaxJsonValues) return Fail("more than 524288 values");
    const std::size_t at = tree_.nodes.size();
    if (at == tree_.nodes.capacity()) MakeRoom();
    tree_.nodes.emplace_back();
    if (named && !ParseName(tree_.nodes[at])) return false;
    if (!ParseValue(at, depth)) return false;
    tree_.nodes[at].next = static_cast<std::uint32_t>(tree_.nodes.size());
    return true;
  }

  bool ParseValue(std::size_t at, int depth) {
    Node& node = tree_.nodes[at];
    switch (Peek()) {
      case '{': return ParseContainer(at, Kind::kObject, depth + 1);
      case '[': return ParseContainer(at, Kind::kArray, depth + 1);
      case '"': return ParseText(node);
      case 't': return ParseWord("true", node);
      case 'f': return ParseWord("false", node);
      case 'n': return ParseWord("null", node);
      default: return ParseNumber(node);
    }
  }

  bool ParseWord(std::string_view word, Node& node) {
    const std::string_view found = text_.substr(position_, word.size());
    if (found != word) return Fail("not a value");
    node.Set(found);
    position_ += word.size();
    return true;
  }

  bool ParseNumber(Node& node) {
    const std::size_t start = position_;
    if (const char* wrong = ScanJsonNumber(text_, position_, number_)) return Fail(wrong);
    node.Set(number_.empty() ? From(start) : Keep(number_));
    return true;
  }

  bool ParseText(Node& node) {
    JsonString string;
    const std::size_t start = position_;
    if (const char* wrong = ScanJsonString(text_, position_, string)) return Fail(wrong);
    node.Set(string.canonical ? From(start) : Rewritten(DecodeJsonString(string.raw)));
    return true;
  }
  std::string_view Rewritten(std::string_view decoded) {
    std::string canonical;
    AppendJsonString(decoded, canonical);
    return Keep(std::move(canonical));
  }

  bool ParseName(Node& node) {
    if (Peek() != '"') return Fail("a name must be a string");
    JsonString string;
    const std::size_t start = position_;
    if (const char* wrong = ScanJsonString(text_, position_, string)) return Fail(wrong);
    std::string_view literal = From(start);
    if (string.escaped) {
      const std::string_view decoded = Keep(DecodeJsonString(string.raw));
      node.decoded = static_cast<std::uint32_t>(tree_.texts.size());
      if (!string.canonical) literal = Rewritten(decoded);
    }
    node.literal = literal.data();
    node.literal_size = static_cast<std::uint32_t>(literal.size());
    SkipBlanks();
    if (Peek() != ':') return Fail("a name without a value");
    ++position_;
    SkipBlanks();
    return true;
  }

  bool ParseContainer(std::size_t at, Kind kind, int depth) {
    if (depth > kMaxJsonDepth) return Fail("nesting over 256");
    const char close = kind == Kind::kObject ? '}' : ']';
    const std::size_t start = position_;
    std::uint32_t count = 0;
    ++position_;
    SkipBlanks();
    if (Peek() != close) {
      do {
        SkipBlanks();
        if (!ParseNode(kind == Kind::kObject, depth)) return false;
        ++count;
        SkipBlanks();
      } while (TakeComma());
    }
    if (Peek() != close) return Fail(position_ == text_.size() ? "cut short" : "bad separator");
    Node& node = tree_.nodes[at];
    node.kind = kind;
    node.size = count;
    if (kind == Kind::kObject && !OrderMembers(at)) return false;
    ++position_;
    // The outermost keeps its members: some may be left out.
    if (depth > 1 && IsVerbatim(at, start)) {
      node.Set(From(start));
      tree_.nodes.resize(at + 1);
    }
    return true;
  }

  bool TakeComma() {
    if (Peek() != ',') return false;
    ++position_;
    return true;
  }

  // False: one name is there twice.
  bool OrderMembers(std::size_t at) {
    Node& object = tree_.nodes[at];
    names_.clear();
    names_.reserve(object.size);
    tree_.ForMembers(static_cast<std::uint32_t>(at), [this](std::uint32_t member) {
      names_.push_back({Utf16Prefix(tree_.NameOf(tree_.nodes[member])), member});
    });
    const auto name_of = [this](std::uint32_t member) { return tree_.NameOf(tree_.nodes[member]); };
    const bool as_read = SortNames(names_, spare_, name_of);
    for (std::size_t i = 1; i < names_.size(); ++i) {
      if (names_[i - 1].prefix != names_[i].prefix) continue;
      if (name_of(names_[i - 1].index) == name_of(names_[i].index)) {
        return Fail("duplicate name in the object ending");
      }
    }
    if (as_read) return true;
    object.order = static_cast<std::uint32_t>(tree_.order.size());
    tree_.order.resize(tree_.order.size() + names_.size());
    std::transform(names_.begin(), names_.end(), tree_.order.begin() + object.order,
                   [](const NamePlace& name) { return name.index; });
    return true;
  }

  // Whether the container that was read from `start` on is canonical as it stands there: nothing
  // lies between its members but a comma, and they are in order.
  bool IsVerbatim(std::size_t at, std::size_t start) const {
    const Node& container = tree_.nodes[at];
    if (container.order != kAsRead) return false;
    const char* expected = text_.data() + start + 1;
    std::size_t member = at + 1;
    for (std::uint32_t i = 0; i < container.size; ++i) {
      const Node& node = tree_.nodes[member];
      if (i > 0) ++expected;
      if (container.kind == Kind::kObject) {
        if (node.literal != expected) return false;
        expected += node.literal_size + 1;
      }
      if (node.kind != Kind::kText || node.text != expected) return false;
      expected += node.size;
      member = node.next;
    }
    return expected + 1 == text_.data() + position_;
  }

  const std::string_view text_;
  CanonicalTree& tree_;
  std::size_t position_ = 0;
  std::size_t values_ = 0;
  const char* wrong_ = "";
  std::vector<NamePlace> names_;
  std::vector<NamePlace> spare_;
  std::string number_;
};

}  // namespace

Status ReadCanonicalTree(std::string_view text, CanonicalTree& tree) {
  return Parser(text, tree).Parse();
}

}  // namespace larder::client
