// Key parts: how what is hashed into keys, scopes and tags is put into a row of bytes.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace larder::client {

inline std::string Hex(const unsigned char* bytes, std::size_t size) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    hex += kHexDigits[bytes[i] >> 4];
    hex += kHexDigits[bytes[i] & 15];
  }
  return hex;
}

// Little-endian on every machine, so that a key is the same everywhere.
inline void AppendNumber(std::uint64_t number, std::string& out) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xff);
  out.append(bytes, sizeof bytes);
}

// Length first, so that no two lists of parts have the same bytes.
inline void AppendPart(std::string_view part, std::string& out) {
  AppendNumber(part.size(), out);
  out += part;
}

// OpenSSL fails here only when it cannot allocate or is crippled by its configuration. A wrong key
// would serve one caller another's answer, so there is nothing better than to stop.
inline void Require(bool done) {
  if (!done) std::abort();
}

}  // namespace larder::client
