// The order of an object's names in RFC 8785: that of their UTF-16 code units.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace larder::client {

// Whether UTF-8 text `a` comes before `b`. It differs from the order of bytes where U+E000 to
// U+FFFF meet what is above.
bool Utf16Less(std::string_view a, std::string_view b);

// The start of `text` as a number: of two texts with different ones, that with the smaller number
// is Utf16Less. Both must be UTF-8.
std::uint64_t Utf16Prefix(std::string_view text);

// A name that is to be sorted: most are told apart by their start.
struct NamePlace {
  std::uint64_t prefix = 0;
  std::uint32_t index = 0;  // what `name_of` knows it by
};

// Puts `names` in order; equal ones lie side by side. In time linear in their number but for those
// with the same start. `spare` is room to work in, which keeps its memory. True: they were in order
// already.
bool SortNames(std::vector<NamePlace>& names, std::vector<NamePlace>& spare,
               const std::function<std::string_view(std::uint32_t index)>& name_of);

}  // namespace larder::client
