#include "json_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace larder::client {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// How many of the eight bytes at `bytes` can be passed over: up to a control character, a quote, a
// backslash, or what is no ASCII. Each of the sums below marks such a byte's highest bit; carries
// may mark further bytes, but only behind a true one.
std::size_t PlainBytes(const char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t v) { return (v - kOnes) & ~v & kHighs; };
  const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  const std::uint64_t quote = has_zero(word ^ (kOnes * '"'));
  const std::uint64_t backslash = has_zero(word ^ (kOnes * '\\'));
  const std::uint64_t marks = (word & kHighs) | control | quote | backslash;
  return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

// Length of the well-formed UTF-8 sequence of two to four bytes at `text`, or 0 (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t Utf8Sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = lead == 0xed ? 0x9f : 0xbf;
    return byte(1) >= low && byte(1) <= high && continues(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned high = lead == 0xf4 ? 0x8f : 0xbf;
    return byte(1) >= low && byte(1) <= high && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

// The code unit of `\uXXXX` at the start of `text`, or -1.
int CodeUnit(std::string_view text) {
  if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = 2; i < 6; ++i) {
    const int digit = HexValue(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool IsHighSurrogate(int unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool IsLowSurrogate(int unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

// The letter of the two-character escape for `c`, or 0. `/` may be escaped but need not be.
char ShortEscape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
  }
}

// Reads the escape at the start of `text`: sets its length, and whether RFC 8785 writes it so.
const char* ScanEscape(std::string_view text, std::size_t& length, bool& canonical) {
  const char letter = text.size() < 2 ? '\0' : text[1];
  if (letter != 'u') {
    if (letter == '\0' || std::strchr("\"\\/bfnrt", letter) == nullptr) return "bad escape";
    canonical = letter != '/';
    length = 2;
    return nullptr;
  }
  const int unit = CodeUnit(text);
  if (unit < 0) return "bad escape";
  if (IsLowSurrogate(unit)) return "lone surrogate";
  canonical = unit < 0x20 && ShortEscape(static_cast<char>(unit)) == 0 &&
              !(text[4] >= 'A' && text[4] <= 'F') && !(text[5] >= 'A' && text[5] <= 'F');
  length = 6;
  if (!IsHighSurrogate(unit)) return nullptr;
  if (!IsLowSurrogate(CodeUnit(text.substr(6)))) return "lone surrogate";
  length = 12;
  return nullptr;
}

void AppendUtf8(std::uint32_t code_point, std::string& out) {
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
    return;
  }
  const int continuations = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3;
  constexpr unsigned kLeads[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(kLeads[continuations] | code_point >> (6 * continuations));
  for (int i = continuations - 1; i >= 0; --i) {
    out += static_cast<char>(0x80 | ((code_point >> (6 * i)) & 0x3f));
  }
}

// Whether a literal without a sign or an exponent, whose point is at `point`, is what
// AppendEcmaNumber would write. Of
// two decimals with at most 15 significant digits no two stand for the same double, so such a one
// is the shortest for its own, unless it ends in a zero or is small enough for an exponent.
bool IsEcmaDecimal(std::string_view digits_and_point, std::size_t point) {
  std::size_t zeros = 0;  // that lead, but for the one before the point
  if (digits_and_point[0] == '0') {
    while (point + 1 + zeros < digits_and_point.size() &&
           digits_and_point[point + 1 + zeros] == '0') {
      ++zeros;
    }
  }
  return digits_and_point.size() <= 16 && digits_and_point.back() != '0' && zeros <= 5;
}

}  // namespace

const char* ScanJsonString(std::string_view text, std::size_t& position, JsonString& string) {
  const std::size_t start = position + 1;
  std::size_t at = start;
  string = {};
  while (true) {
    while (at + 8 <= text.size()) {
      const std::size_t plain = PlainBytes(text.data() + at);
      at += plain;
      if (plain < 8) break;
    }
    position = at;
    if (at >= text.size()) return "string without end";
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '"') break;
    if (c < 0x20) return "control character in a string";
    std::size_t length = 1;
    if (c == '\\') {
      bool canonical = true;
      if (const char* wrong = ScanEscape(text.substr(at), length, canonical)) return wrong;
      string.escaped = true;
      string.canonical = string.canonical && canonical;
    } else if (c >= 0x80) {
      length = Utf8Sequence(text.substr(at));
      if (length == 0) return "bad UTF-8";
    }
    at += length;
  }
  string.raw = text.substr(start, at - start);
  position = at + 1;
  return nullptr;
}

std::string DecodeJsonString(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  while (true) {
    const std::size_t plain = std::min(raw.find('\\'), raw.size());
    text += raw.substr(0, plain);
    raw.remove_prefix(plain);
    if (raw.size() < 2) return text;
    if (raw[1] != 'u') {
      constexpr std::string_view kLetters = "bfnrt";
      constexpr std::string_view kControls = "\b\f\n\r\t";
      const std::size_t letter = kLetters.find(raw[1]);
      text += letter == std::string_view::npos ? raw[1] : kControls[letter];
      raw.remove_prefix(2);
      continue;
    }
    auto code_point = static_cast<std::uint32_t>(CodeUnit(raw));
    raw.remove_prefix(6);
    if (IsHighSurrogate(static_cast<int>(code_point))) {
      const auto low = static_cast<std::uint32_t>(CodeUnit(raw));
      code_point = 0x10000 + ((code_point - 0xd800) << 10) + (low - 0xdc00);
      raw.remove_prefix(6);
    }
    AppendUtf8(code_point, text);
  }
}

void AppendJsonString(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const char letter = ShortEscape(c);
    if (letter != 0) {
      out += '\\';
      out += letter;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += kHexDigits[static_cast<unsigned char>(c) >> 4];
      out += kHexDigits[c & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

const char* ScanJsonNumber(std::string_view text, std::size_t& position, std::string& canonical) {
  canonical.clear();
  const std::size_t start = position;
  const auto peek = [&] { return position < text.size() ? text[position] : '\0'; };
  const auto skip_digits = [&] {
    const std::size_t from = position;
    while (IsDigit(peek())) ++position;
    return position > from;
  };
  if (peek() == '-') ++position;
  const std::size_t first_digit = position;
  if (!skip_digits()) return "not a value";
  if (text[first_digit] == '0' && position - first_digit > 1) return "number with a leading zero";
  const std::size_t integer_digits = position - first_digit;
  bool integer = true;
  bool exponent = false;
  if (peek() == '.') {
    ++position;
    integer = false;
    if (!skip_digits()) return "number without digits after its point";
  }
  if (peek() == 'e' || peek() == 'E') {
    ++position;
    integer = false;
    exponent = true;
    if (peek() == '+' || peek() == '-') ++position;
    if (!skip_digits()) return "number without digits in its exponent";
  }
  const std::string_view literal = text.substr(start, position - start);
  if (integer) {
    constexpr std::string_view kMost = "9007199254740991";
    const std::string_view digits = text.substr(first_digit, integer_digits);
    const bool beyond =
        digits.size() > kMost.size() || (digits.size() == kMost.size() && digits > kMost);
    if (beyond) return "integer beyond 2^53 - 1";
    if (literal == "-0") canonical = "0";
    return nullptr;
  }
  if (!exponent &&
      IsEcmaDecimal(text.substr(first_digit, position - first_digit), integer_digits)) {
    return nullptr;
  }
  double value = 0;
  const auto parsed = std::from_chars(literal.data(), literal.data() + literal.size(), value);
  if (parsed.ec != std::errc()) return "number beyond a double";
  AppendEcmaNumber(value, canonical);
  if (canonical == literal) canonical.clear();
  return nullptr;
}

void AppendEcmaNumber(double value, std::string& out) {
  if (value == 0) {
    out += '0';
    return;
  }
  if (value < 0) {
    out += '-';
    value = -value;
  }
  // d.ddde±xx with the fewest digits that read back as the same double; of those, the nearest.
  char buffer[32];
  const auto written =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view scientific(buffer, static_cast<std::size_t>(written.ptr - buffer));
  const std::size_t e = scientific.find('e');
  std::string digits(1, scientific[0]);
  if (e > 2) digits += scientific.substr(2, e - 2);
  int exponent = 0;
  const std::size_t exponent_at = scientific[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(scientific.data() + exponent_at, written.ptr, exponent);

  // ECMA-262, section 6.1.6.1.20, with its names: k digits, the point behind the n-th.
  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;
  if (k <= n && n <= 21) {
    out += digits;
    out.append(static_cast<std::size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    out += digits.substr(0, static_cast<std::size_t>(n));
    out += '.';
    out += digits.substr(static_cast<std::size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0.";
    out.append(static_cast<std::size_t>(-n), '0');
    out += digits;
  } else {
    out += digits[0];
    if (k > 1) out += '.' + digits.substr(1);
    out += n > 0 ? "e+" : "e-";
    out += std::to_string(n > 0 ? n - 1 : 1 - n);
  }
}

}  // namespace larder::client
