#include "caller_scope.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace larder::tools {
namespace {

// "Bearer key" -> "key"; what has no scheme is as it is.
std::string_view WithoutScheme(std::string_view field) {
  constexpr std::string_view kBearer = "bearer ";
  if (client::EqualsIgnoreCase(field.substr(0, kBearer.size()), kBearer)) {
    field.remove_prefix(kBearer.size());
  }
  const std::size_t begin = std::min(field.find_first_not_of(' '), field.size());
  return field.substr(begin);
}

std::optional<std::size_t> FindKey(const std::vector<CallerConfig>& callers, std::string_view key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  // All are compared, each in the same time, whichever it is.
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < callers.size(); ++i) {
    const bool same =
        CRYPTO_memcmp(digest.data(), callers[i].key_sha256.data(), digest.size()) == 0;
    found = same ? i : found;
  }
  return found;
}

}  // namespace

std::optional<std::size_t> FindCaller(const std::vector<CallerConfig>& callers,
                                      client::Headers& headers) {
  std::optional<std::size_t> caller;
  for (const char* name : {"authorization", "x-api-key", "api-key"}) {
    bool holds_a_key = false;
    for (const client::Header& field : headers) {
      if (!client::EqualsIgnoreCase(field.name, name)) continue;
      const std::optional<std::size_t> found = FindKey(callers, WithoutScheme(field.value));
      if (!found) continue;
      holds_a_key = true;
      if (!caller) caller = found;
    }
    if (holds_a_key) headers.Remove(name);
  }
  return caller;
}

void AddCaller(const CallerConfig& caller, client::Headers& headers) {
  // The line end is what no field of a request can have: nobody can name himself a client.
  headers.Add("authorization", "larder-client\n" + caller.name);
}

std::string NamespaceWithin(const CallerConfig& caller, const std::string& asked) {
  return caller.name_space + (asked.empty() ? "" : "/" + asked);
}

}  // namespace larder::tools
