// JwtClaims: what a signed claim says.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace larder::testing {

// The inverse of Base64Url, for what was signed.
inline std::string DecodeBase64Url(std::string_view text) {
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    bits = bits << 6 | static_cast<unsigned>(digits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 255);
  }
  return bytes;
}

// Of the claim that begins in `text` with its header, as `eyJ...`.
inline nlohmann::json ClaimsOf(std::string_view text) {
  text.remove_prefix(text.find("eyJ"));
  const std::size_t first = text.find('.') + 1;
  return nlohmann::json::parse(DecodeBase64Url(text.substr(first, text.find('.', first) - first)));
}

}  // namespace larder::testing
