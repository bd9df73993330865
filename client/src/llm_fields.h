// Members of JSON objects that have a place in llm_types.h, and those that have not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "larder/result.h"
#include "llm_dialect.h"

namespace larder::client {

// Takes members out of an object, one by one; the rest is what has no place. A member of another
// type than the one asked for stays.
class LlmFields {
 public:
  // What is no object has no members.
  explicit LlmFields(LlmJson object)
      : object_(object.is_object() ? std::move(object) : LlmJson::object()) {}

  // Null if it is not there. It stays.
  const LlmJson* Find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  // Empty if it is not there.
  std::string Text(const char* name);
  // As Text, but what is empty stays: for members that are not written when they are empty.
  std::string Word(const char* name);
  // An array or object; null if it is not there.
  LlmJson Structure(const char* name);
  // An array of objects only; empty if it is not there.
  std::vector<LlmJson> Objects(const char* name);
  // An array of texts only; empty if it is not there.
  std::vector<std::string> Words(const char* name);
  std::optional<double> Number(const char* name);
  std::optional<std::int64_t> Integer(const char* name);
  void Drop(const char* name) { object_.erase(name); }
  // Puts back a member that was taken.
  void Return(const char* name, LlmJson value) { object_[name] = std::move(value); }
  bool empty() const { return object_.empty(); }
  // What is left, as text; empty if nothing is.
  std::string Rest() const;

 private:
  LlmJson object_;
};

// Merges the members of `extra` into `object`, over those that are there.
// Errors: kInvalidArgument (not the text of a JSON object).
Status AddExtra(const std::string& extra, LlmJson& object);

// What was read is not lost, whatever it is: where `written`, made from the parts that were read,
// is not `original`, `extra` gets the whole.
void KeepWhole(const LlmJson& original, const Result<LlmJson>& written, std::string& extra);

// Discarded if it is not JSON, or nests deeper than any answer of ours (answer_json.h).
LlmJson LlmParse(std::string_view text);

// Errors: kInvalidArgument, saying `what` is not JSON.
Result<LlmJson> ParseLlmJson(std::string_view text, const char* what);

std::string LlmText(const LlmJson& json);
// Whether both say the same, in whatever order of members.
bool SameJson(const LlmJson& a, const LlmJson& b);
// Null where there is no such member.
LlmJson LlmMember(const LlmJson& object, const char* name);
// 0 where there is no such number.
std::uint64_t LlmCount(const LlmJson& object, const char* name);
// Empty where there is no such text. Valid as long as `object`.
std::string_view LlmView(const LlmJson& object, const char* name);

}  // namespace larder::client
