#include "larder/client/request_key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "ascii.h"
#include "key_parts.h"

namespace larder::client {
namespace {

// Part of every key: raise it when the meaning of a part changes, and all old entries miss.
constexpr std::string_view kFormat = "larder-request-1";

// Headers that change what the provider answers. Lower case, sorted.
constexpr std::string_view kSemanticHeaders[] = {
    "anthropic-beta", "anthropic-version", "openai-beta", "openai-organization", "openai-project",
};

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

bool IsKeyHeader(std::string_view name, const std::vector<std::string>& key_headers) {
  const auto is_it = [&](std::string_view one) { return EqualsIgnoreCase(one, name); };
  return std::any_of(std::begin(kSemanticHeaders), std::end(kSemanticHeaders), is_it) ||
         std::any_of(key_headers.begin(), key_headers.end(), is_it);
}

}  // namespace larder::client
