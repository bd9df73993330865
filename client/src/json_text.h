// The two kinds of JSON text that take care: strings and numbers, read strictly (RFC 7493) and
// written canonically (RFC 8785).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larder::client {

struct JsonString {
  std::string_view raw;   // between the quotes, as it stood there
  bool escaped = false;   // it has a backslash
  bool canonical = true;  // `raw` is also how RFC 8785 writes it
};

// Reads the string whose opening quote is at text[position]; moves `position` behind its closing
// quote. Null, or what is wrong: bad UTF-8, a control character, a bad escape, a lone surrogate,
// no end; `position` is then near it.
const char* ScanJsonString(std::string_view text, std::size_t& position, JsonString& string);

// The UTF-8 text that a scanned string stands for.
std::string DecodeJsonString(std::string_view raw);

// `text` (UTF-8) as a JSON string with quotes and no more escapes than there must be.
void AppendJsonString(std::string_view text, std::string& out);

// Reads the number at text[position] and moves `position` behind it. `canonical` is emptied, and
// gets the canonical form, which is ECMAScript's Number::toString, if that is not how it stood
// there. Null, or what is wrong: not a number, an integer literal beyond ±(2^53 - 1), a number that
// no double can hold.
const char* ScanJsonNumber(std::string_view text, std::size_t& position, std::string& canonical);

// ECMAScript's Number::toString(value). `value` must be finite.
void AppendEcmaNumber(double value, std::string& out);

}  // namespace larder::client
