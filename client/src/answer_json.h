// What providers answer, as JSON values.
#pragma once

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

// Whether arrays and objects in `text`, JSON or not, nest deeper.
bool IsDeeperThan(std::string_view text, int max_depth);

// nullopt if `text` is not JSON or nests deeper than `max_depth`. Never throws.
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
