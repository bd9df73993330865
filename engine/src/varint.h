// Varints (LEB128, as in Protocol Buffers) and length-prefixed strings. Readers check bounds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace larder {

// `out`: a string of chars, whatever its allocator.
template <typename String>
void AppendVarint(String& out, std::uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}

// Takes a varint off the front of `in`. False, `in` unspecified: cut short or over 64 bits.
inline bool ReadVarint(std::string_view& in, std::uint64_t& value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

template <typename String>
void AppendLengthPrefixed(String& out, std::string_view bytes) {
  AppendVarint(out, bytes.size());
  out.append(bytes);
}

inline bool ReadLengthPrefixed(std::string_view& in, std::string_view& bytes) {
  std::uint64_t size = 0;
  if (!ReadVarint(in, size) || size > in.size()) return false;
  bytes = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

}  // namespace larder
