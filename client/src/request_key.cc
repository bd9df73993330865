#include "larder/client/request_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "ascii.h"

namespace larder::client {
namespace {

// Part of every key: raise it when the meaning of a part changes, and all old entries miss.
constexpr std::string_view kFormat = "larder-request-1";

// Headers that change what the provider answers. Lower case, sorted.
constexpr std::string_view kSemanticHeaders[] = {
    "anthropic-beta", "anthropic-version", "openai-beta", "openai-organization", "openai-project",
};

constexpr std::string_view kCredentialHeaders[] = {
    "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie",
};

constexpr char kHexDigits[] = "0123456789abcdef";

std::string Hex(const unsigned char* bytes, std::size_t size) {
  std::string hex;
  hex.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    hex += kHexDigits[bytes[i] >> 4];
    hex += kHexDigits[bytes[i] & 15];
  }
  return hex;
}

// Little-endian on every machine, so that a key is the same everywhere.
void AppendNumber(std::uint64_t number, std::string& out) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(number >> (8 * i) & 0xff);
  out.append(bytes, sizeof bytes);
}

// Length first, so that no two lists of parts have the same bytes.
void AppendPart(std::string_view part, std::string& out) {
  AppendNumber(part.size(), out);
  out += part;
}

// OpenSSL fails here only when it cannot allocate or is crippled by its configuration. A wrong key
// would serve one caller another's answer, so there is nothing better than to stop.
void Require(bool done) {
  if (!done) std::abort();
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = LowerAscii(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string PercentDecoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    decoded +=
        escape ? static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return decoded;
}

struct SplitTarget {
  std::string without;                   // the target without its credentials
  std::vector<std::string> credentials;  // values of `key`, as they stood there
};

SplitTarget SplitCredentials(std::string_view target) {
  SplitTarget split;
  const std::size_t question = target.find('?');
  split.without = target.substr(0, question);
  if (question == std::string_view::npos) return split;

  std::string_view rest = target.substr(question + 1);
  char separator = '?';
  while (true) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view field = rest.substr(0, end);
    const std::size_t equals = std::min(field.find('='), field.size());
    if (PercentDecoded(field.substr(0, equals)) == "key") {
      split.credentials.emplace_back(field.substr(std::min(equals + 1, field.size())));
    } else {
      split.without += separator;
      split.without += field;
      separator = '&';
    }
    if (end == rest.size()) return split;
    rest.remove_prefix(end + 1);
  }
}

// The semantics-bearing headers that are there, by name, so that their order does not matter.
void AppendHeaders(const KeyInput& input, std::string& out) {
  std::vector<std::string> present;
  const auto add = [&](std::string_view name) {
    if (input.headers != nullptr && input.headers->Has(name)) present.push_back(LowerAscii(name));
  };
  for (const std::string_view name : kSemanticHeaders) add(name);
  if (input.key_headers != nullptr) {
    for (const std::string& name : *input.key_headers) add(name);
  }
  std::sort(present.begin(), present.end());
  present.erase(std::unique(present.begin(), present.end()), present.end());
  AppendNumber(present.size(), out);
  for (const std::string& name : present) {
    AppendPart(name, out);
    AppendPart(input.headers->Joined(name), out);
  }
}

}  // namespace

RequestKey MakeRequestKey(const KeyInput& input) {
  // Looked up once, not for each key; never freed.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Require(sha256 != nullptr);
  // All but the body, which is hashed where it is.
  std::string parts;
  constexpr std::size_t kUsual = 512;
  parts.reserve(kUsual);
  AppendPart(kFormat, parts);
  AppendPart(input.name_space, parts);
  AppendPart(input.scope, parts);
  AppendPart(input.base_url, parts);
  AppendPart(input.target, parts);
  AppendNumber(input.sample, parts);
  AppendHeaders(input, parts);
  AppendPart(input.replaces_body ? "key" : "body", parts);
  AppendNumber(input.canonical_body.size(), parts);

  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  RequestKey key;
  unsigned int size = 0;
  Require(context != nullptr);
  Require(EVP_DigestInit_ex(context.get(), sha256, nullptr) == 1);
  Require(EVP_DigestUpdate(context.get(), parts.data(), parts.size()) == 1);
  Require(EVP_DigestUpdate(context.get(), input.canonical_body.data(),
                           input.canonical_body.size()) == 1);
  Require(EVP_DigestFinal_ex(context.get(), key.data(), &size) == 1);
  Require(size == key.size());
  return key;
}

std::string ToHex(const RequestKey& key) { return Hex(key.data(), key.size()); }

std::string CredentialScope(const Headers& headers, std::string_view target,
                            std::string_view secret) {
  std::string credentials;
  for (const std::string_view name : kCredentialHeaders) {
    for (const Header& field : headers) {
      if (!EqualsIgnoreCase(field.name, name)) continue;
      AppendPart(name, credentials);
      AppendPart(field.value, credentials);
    }
  }
  for (const std::string& value : SplitCredentials(target).credentials) {
    AppendPart("?key", credentials);
    AppendPart(value, credentials);
  }

  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
               reinterpret_cast<const unsigned char*>(credentials.data()), credentials.size(), mac,
               &size) != nullptr);
  OPENSSL_cleanse(credentials.data(), credentials.size());
  return Hex(mac, size);
}

std::string ScopedTag(std::string_view tag, std::string_view scope, std::string_view name_space) {
  constexpr std::size_t kBytes = 8;
  std::string parts;
  AppendPart("larder-tag-1", parts);
  AppendPart(scope, parts);
  AppendPart(name_space, parts);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  Require(EVP_Digest(parts.data(), parts.size(), digest, &size, EVP_sha256(), nullptr) == 1);
  return std::string(tag) + "@" + Hex(digest, kBytes);
}

bool IsCredentialHeader(std::string_view name) {
  return std::any_of(std::begin(kCredentialHeaders), std::end(kCredentialHeaders),
                     [&](std::string_view one) { return EqualsIgnoreCase(one, name); });
}

bool IsKeyHeader(std::string_view name, const std::vector<std::string>& key_headers) {
  const auto is_it = [&](std::string_view one) { return EqualsIgnoreCase(one, name); };
  return std::any_of(std::begin(kSemanticHeaders), std::end(kSemanticHeaders), is_it) ||
         std::any_of(key_headers.begin(), key_headers.end(), is_it);
}

bool HasCredentials(const Headers& headers, std::string_view target) {
  const auto is_one = [](const Header& field) { return IsCredentialHeader(field.name); };
  return std::any_of(headers.begin(), headers.end(), is_one) ||
         !SplitCredentials(target).credentials.empty();
}

void RemoveCredentials(Headers& headers) {
  for (const std::string_view name : kCredentialHeaders) headers.Remove(name);
}

std::string WithoutCredentials(std::string_view target) { return SplitCredentials(target).without; }

}  // namespace larder::client
