#include "key_text.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base64url.h"
#include "larder/client/request_key.h"
#include "larder/options.h"

namespace larder::admin {
namespace {

constexpr std::size_t kHexDigits = 2 * sizeof(client::RequestKey);

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

std::optional<std::string> FromHex(const std::string& text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    const char* end = text.data() + i + 2;
    if (std::from_chars(text.data() + i, end, byte, 16).ptr != end) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::optional<std::string> Parse(const std::string& text) {
  if (text.starts_with("text:")) return text.substr(5);
  if (text.starts_with("b64:")) return FromBase64Url(text.substr(4));
  return FromHex(text);
}

}  // namespace

Result<std::string> ParseKey(const std::string& text) {
  std::optional<std::string> key = Parse(text);
  const bool is_hex = !text.starts_with("text:") && !text.starts_with("b64:");
  if (is_hex && text.size() != kHexDigits) key.reset();
  if (key && !key->empty() && key->size() <= kMaxKeyBytes) return *std::move(key);
  return Status(StatusCode::kInvalidArgument,
                "not a key; allowed: 64 hex digits, text:... or b64:..., of 1 to " +
                    std::to_string(kMaxKeyBytes) + " bytes");
}

Result<std::string> ParseKeyPrefix(const std::string& text) {
  std::optional<std::string> prefix = Parse(text);
  if (prefix && prefix->size() <= kMaxKeyBytes) return *std::move(prefix);
  return Status(StatusCode::kInvalidArgument,
                "not the beginning of a key; allowed: an even number of hex digits, text:... or "
                "b64:..., of up to " +
                    std::to_string(kMaxKeyBytes) + " bytes");
}

std::string ShowKey(std::string_view key) {
  if (key.size() == sizeof(client::RequestKey)) {
    client::RequestKey bytes;
    std::copy(key.begin(), key.end(), bytes.begin());
    return client::ToHex(bytes);
  }
  if (IsPrintable(key)) return "text:" + std::string(key);
  return "b64:" + ToBase64Url(key);
}

}  // namespace larder::admin
