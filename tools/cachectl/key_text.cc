#include "key_text.h"

#include <charconv>
#include <optional>

#include "base64url.h"
#include "larder/options.h"

namespace larder::cachectl {
namespace {

constexpr std::size_t kHexDigits = 64;

std::optional<std::string> FromHex(const std::string& text) {
  if (text.size() != kHexDigits) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    const char* end = text.data() + i + 2;
    if (std::from_chars(text.data() + i, end, byte, 16).ptr != end) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

Result<std::string> ParseKey(const std::string& text) {
  std::optional<std::string> key;
  if (text.starts_with("text:")) {
    key = text.substr(5);
  } else if (text.starts_with("b64:")) {
    key = admin::FromBase64Url(text.substr(4));
  } else {
    key = FromHex(text);
  }
  if (key && !key->empty() && key->size() <= kMaxKeyBytes) return *std::move(key);
  return Status(StatusCode::kInvalidArgument,
                "not a key; allowed: 64 hex digits, text:... or b64:..., of 1 to " +
                    std::to_string(kMaxKeyBytes) + " bytes");
}

}  // namespace larder::cachectl
