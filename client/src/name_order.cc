#include "name_order.h"

#include <algorithm>
#include <array>
#include <utility>

namespace larder::client {
namespace {

constexpr std::size_t kPrefixBytes = sizeof(std::uint64_t);
constexpr std::uint64_t kHighBits = 0x8080808080808080;

// Four bytes as a number, the first one highest.
std::uint64_t FourBytes(const char* bytes) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < sizeof word; ++i) {
    word = word << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return word;
}

// The first eight bytes, the first one highest; zeros behind the end.
std::uint64_t FirstBytes(std::string_view text) {
  const std::size_t size = text.size();
  if (size >= 8) return FourBytes(text.data()) << 32 | FourBytes(text.data() + 4);
  if (size >= 4) {  // the halves overlap
    return FourBytes(text.data()) << 32 | FourBytes(text.data() + size - 4) << (8 * (8 - size));
  }
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (56 - 8 * i);
  }
  return word;
}

// By prefix, the last byte first; bytes that are the same in all are passed over.
void SortByPrefix(std::vector<NamePlace>& names, std::vector<NamePlace>& spare) {
  constexpr std::size_t kValues = 256;
  std::array<std::array<std::uint32_t, kValues>, kPrefixBytes> counts{};
  const auto digit = [](const NamePlace& name, std::size_t byte) {
    return static_cast<std::size_t>(name.prefix >> (8 * byte) & 0xff);
  };
  for (const NamePlace& name : names) {
    for (std::size_t byte = 0; byte < kPrefixBytes; ++byte) ++counts[byte][digit(name, byte)];
  }
  spare.resize(names.size());
  for (std::size_t byte = 0; byte < kPrefixBytes; ++byte) {
    std::array<std::uint32_t, kValues>& places = counts[byte];
    if (places[digit(names.front(), byte)] == names.size()) continue;
    std::uint32_t next = 0;
    for (std::uint32_t& place : places) next += std::exchange(place, next);
    for (const NamePlace& name : names) spare[places[digit(name, byte)]++] = name;
    names.swap(spare);
  }
}

}  // namespace

bool Utf16Less(std::string_view a, std::string_view b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (x == a.end() || y == b.end()) return x == a.end() && y != b.end();
  const auto left = static_cast<unsigned char>(*x);
  const auto right = static_cast<unsigned char>(*y);
  // Bytes from 0xee on are leads only. Leads from 0xf0 on become surrogates, U+D800 to U+DFFF,
  // which come before U+E000 to U+FFFF, whose leads are 0xee and 0xef.
  if (left >= 0xee && right >= 0xee && (left >= 0xf0) != (right >= 0xf0)) return left >= 0xf0;
  return left < right;
}

std::uint64_t Utf16Prefix(std::string_view text) {
  const std::uint64_t bytes = FirstBytes(text);
  if ((bytes & kHighBits) == 0) return bytes;
  std::uint64_t prefix = 0;
  for (int shift = 56; shift >= 0; shift -= 8) {
    std::uint64_t byte = bytes >> shift & 0xff;
    if (byte >= 0xee) byte = byte >= 0xf0 ? byte - 2 : byte + 5;  // as in Utf16Less
    prefix = prefix << 8 | byte;
  }
  return prefix;
}

bool SortNames(std::vector<NamePlace>& names, std::vector<NamePlace>& spare,
               const std::function<std::string_view(std::uint32_t index)>& name_of) {
  const auto less = [&](const NamePlace& a, const NamePlace& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix
                                : Utf16Less(name_of(a.index), name_of(b.index));
  };
  if (std::is_sorted(names.begin(), names.end(), less)) return true;
  constexpr std::size_t kFew = 200;  // from here on counting bytes beats comparing
  if (names.size() < kFew) {
    std::sort(names.begin(), names.end(), less);
    return false;
  }
  SortByPrefix(names, spare);
  for (auto run = names.begin(); run != names.end();) {
    const auto end = std::find_if(run, names.end(), [prefix = run->prefix](const NamePlace& name) {
      return name.prefix != prefix;
    });
    if (end - run > 1) std::sort(run, end, less);
    run = end;
  }
  return false;
}

}  // namespace larder::client
