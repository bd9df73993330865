// What providers answer, as JSON values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace larder::client {

// Bounds recursion over an answer. What we make of an answer nests a little deeper than it did, so
// what is read back may, too.
inline constexpr int kMaxAnswerDepth = 256;
inline constexpr int kMaxMadeDepth = 2 * kMaxAnswerDepth;

// Bounds what an answer takes as values, which is up to thirty times its bytes. By its brackets and
// commas, all events of a stream together: the chunks of 128,000 tokens have two million, and so
// have 8,000 tokens with twenty alternatives each.
inline constexpr std::size_t kMaxAnswerValues = std::size_t{1} << 21;

// Whether arrays and objects in `text`, JSON or not, nest deeper.
bool IsDeeperThan(std::string_view text, int max_depth);

// Texts that are one answer, or the events of one.
class AnswerParser {
 public:
  explicit AnswerParser(int max_depth = kMaxAnswerDepth) : max_depth_(max_depth) {}

  // nullopt if `text` is not JSON, nests too deeply or, with those before, has more than
  // kMaxAnswerValues. Never throws.
  std::optional<nlohmann::json> Parse(std::string_view text);
  // Why the last was none of an answer's, as Refusals counts it; "invalid" also of what is not the
  // value that it should be.
  std::string_view problem() const {
    return values_ > kMaxAnswerValues ? "too_complex" : "invalid";
  }

 private:
  const int max_depth_;
  std::size_t values_ = 0;
};

// As AnswerParser, of one text.
std::optional<nlohmann::json> ParseAnswer(std::string_view text, int max_depth = kMaxAnswerDepth);

// Compact. Never throws: what is not UTF-8 is replaced.
std::string DumpJson(const nlohmann::json& value);

// The member `name` of an object, or nullptr: also where `value` is not an object.
const nlohmann::json* FindMember(const nlohmann::json& value, const char* name);

// The member `name` if it is a string, else "". Valid as long as `value`.
std::string_view StringMember(const nlohmann::json& value, const char* name);

// Whether the member `name` is there, and not null.
bool IsSet(const nlohmann::json& value, const char* name);

// Whether the member `name` is an array, an object or a string with something in it.
bool HasSomething(const nlohmann::json& value, const char* name);

// The member `name` if it is a number of things, else 0.
std::uint64_t CountMember(const nlohmann::json& value, const char* name);

// Whether a call's `arguments`, a string, are neither blank nor JSON: they were cut or garbled.
bool IsGarbled(std::string_view arguments);

// `data` without the top-level member `name`, if it is an object that has it and is a string
// there; all other bytes stay as they are.
std::string WithoutStringMember(std::string data, std::string_view name);

}  // namespace larder::client
