// StructuredField: a strict reader of the field values that RFC 8941 calls lists and dictionaries,
// as far as their items are tokens, strings, integers and booleans.
#pragma once

#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace larder::testing {

struct SfToken {
  std::string text;
  friend bool operator==(const SfToken&, const SfToken&) = default;
};
using SfValue = std::variant<bool, std::int64_t, std::string, SfToken>;
using SfParameters = std::map<std::string, SfValue>;
struct SfItem {
  SfValue value;
  SfParameters parameters;
};

// Throws std::invalid_argument where the text is not what the grammar says.
class SfReader {
 public:
  explicit SfReader(std::string_view text) : rest_(text) {}

  std::vector<SfItem> List() {
    std::vector<SfItem> items;
    do {
      items.push_back(Item());
    } while (Comma());
    return items;
  }
  std::map<std::string, SfValue> Dictionary() {
    std::map<std::string, SfValue> members;
    do {
      const std::string key = Key();
      members[key] = Take('=') ? BareItem() : SfValue(true);
    } while (Comma());
    return members;
  }

 private:
  [[noreturn]] void Fail(const char* what) const {
    throw std::invalid_argument(std::string(what) + " before: " + std::string(rest_));
  }
  char Next() const { return rest_.empty() ? '\0' : rest_.front(); }
  char Pop() {
    if (rest_.empty()) Fail("end");
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool Take(char c) {
    if (Next() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // False at the end; a comma must have something behind it.
  bool Comma() {
    while (Take(' ') || Take('\t')) {
    }
    if (rest_.empty()) return false;
    if (!Take(',')) Fail("no comma");
    while (Take(' ') || Take('\t')) {
    }
    if (rest_.empty()) Fail("comma at the end");
    return true;
  }
  static bool IsOneOf(char c, std::string_view set) { return c != '\0' && set.find(c) != set.npos; }
  static bool IsAlpha(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
  static bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
  static bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

  SfItem Item() {
    SfItem item{BareItem(), {}};
    while (Take(';')) {
      while (Take(' ')) {
      }
      const std::string key = Key();
      item.parameters[key] = Take('=') ? BareItem() : SfValue(true);
    }
    return item;
  }
  std::string Key() {
    if (!IsLower(Next()) && Next() != '*') Fail("no key");
    std::string key;
    while (IsLower(Next()) || IsDigit(Next()) || IsOneOf(Next(), "_-.*")) key += Pop();
    return key;
  }
  SfValue BareItem() {
    const char c = Next();
    if (c == '"') return String();
    if (c == '-' || IsDigit(c)) return Integer();
    if (IsAlpha(c) || c == '*') return Token();
    if (c == '?') return Boolean();
    Fail("no item");
  }
  std::string String() {
    Pop();
    std::string text;
    for (char c = Pop(); c != '"'; c = Pop()) {
      if (c < 0x20 || c > 0x7e) Fail("not printable");
      if (c == '\\') {
        c = Pop();
        if (c != '"' && c != '\\') Fail("bad escape");
      }
      text += c;
    }
    return text;
  }
  std::int64_t Integer() {
    std::string digits = Take('-') ? "-" : "";
    if (!IsDigit(Next())) Fail("no digit");
    while (IsDigit(Next())) digits += Pop();
    if (digits.size() > 16 || Next() == '.') Fail("no integer");
    return std::stoll(digits);
  }
  SfToken Token() {
    SfToken token;
    while (IsAlpha(Next()) || IsDigit(Next()) || IsOneOf(Next(), "!#$%&'*+-.^_`|~:/")) {
      token.text += Pop();
    }
    return token;
  }
  bool Boolean() {
    Pop();
    const char c = Pop();
    if (c != '0' && c != '1') Fail("no boolean");
    return c == '1';
  }

  std::string_view rest_;
};

}  // namespace larder::testing
