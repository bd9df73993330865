#include "packing.h"

namespace larder::client {

void PackNumber(std::uint64_t number, std::string& out) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(0x80 | (number & 0x7f)));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

void PackString(std::string_view text, std::string& out) {
  PackNumber(text.size(), out);
  out.append(text);
}

std::uint64_t Unpacker::Number() {
  std::uint64_t number = 0;
  for (int shift = 0; shift < 64 && !failed_ && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    const std::uint64_t bits = byte & 0x7f;
    if (shift == 63 && bits > 1) break;
    number |= bits << shift;
    if (byte < 0x80) return number;
  }
  failed_ = true;
  return 0;
}

std::string_view Unpacker::String() {
  const std::uint64_t size = Number();
  if (failed_ || size > rest_.size()) {
    failed_ = true;
    return {};
  }
  const std::string_view text = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return text;
}

}  // namespace larder::client
