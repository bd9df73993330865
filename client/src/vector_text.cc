#include "vector_text.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "json_slices.h"

namespace larder::client {
namespace {

// Larger ones would overflow OpenSSL's int.
constexpr std::size_t kMaxBytes = std::size_t{1} << 28;

using Characters = std::array<bool, 256>;

constexpr Characters Among(std::string_view characters) {
  Characters known{};
  for (const char c : characters) known[static_cast<unsigned char>(c)] = true;
  return known;
}

// Of a text that is JSON, these make no name and no string.
constexpr Characters kOfNumbers = Among("0123456789+-.eE,[] \t\r\n");
// Both alphabets; some write the slash as \/.
constexpr Characters kOfBase64 =
    Among("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\\\"");

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > kMaxBytes) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

std::string EncodeBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and OpenSSL's NUL
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// The shortest text of the same double, which a 32-bit float is exactly; never an integer, since
// readers would lose the sign of -0.
void AppendFloat(float value, std::string& out) {
  char buffer[32];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, static_cast<double>(value));
  const std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

std::optional<std::string> AsFloats(std::string_view base64) {
  const std::optional<std::string> bytes = DecodeBase64(base64);
  if (!bytes || bytes->size() % 4 != 0) return std::nullopt;
  std::string text = "[";
  for (std::size_t i = 0; i < bytes->size(); i += 4) {
    std::uint32_t bits = 0;
    for (std::size_t b = 4; b > 0; --b) {
      bits = bits << 8 | static_cast<unsigned char>((*bytes)[i + b - 1]);
    }
    const auto value = std::bit_cast<float>(bits);
    if (!std::isfinite(value)) return std::nullopt;
    if (i > 0) text += ',';
    AppendFloat(value, text);
  }
  text += ']';
  return text;
}

std::optional<std::string> AsBase64(std::string_view list) {
  std::string bytes;
  for (const std::string_view number : ElementsOf(list)) {
    double value = 0;
    const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
    if (read.ec != std::errc() || read.ptr != number.data() + number.size()) return std::nullopt;
    if (!(std::abs(value) <= 3.5e38)) return std::nullopt;  // the cast would be undefined
    const auto narrow = static_cast<float>(value);
    if (static_cast<double>(narrow) != value) return std::nullopt;
    const auto bits = std::bit_cast<std::uint32_t>(narrow);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xff);
  }
  if (bytes.size() > kMaxBytes) return std::nullopt;
  return "\"" + EncodeBase64(bytes) + "\"";
}

}  // namespace

std::optional<VectorForm> VectorFormOf(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']')) return VectorForm::kFloats;
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"')) return VectorForm::kBase64;
  return std::nullopt;
}

bool IsVector(std::string_view text) {
  const std::optional<VectorForm> form = VectorFormOf(text);
  const Characters& known = form == VectorForm::kFloats ? kOfNumbers : kOfBase64;
  return form.has_value() && std::all_of(text.begin(), text.end(), [&known](char c) {
           return known[static_cast<unsigned char>(c)];
         });
}

std::optional<std::string> VectorAs(VectorForm form, std::string_view text) {
  const std::optional<VectorForm> is = VectorFormOf(text);
  if (!is) return std::nullopt;
  if (*is == form) return std::string(text);
  return form == VectorForm::kFloats ? AsFloats(text.substr(1, text.size() - 2)) : AsBase64(text);
}

}  // namespace larder::client
