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

using HashContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

HashContext MakeContext() {
  HashContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  Require(context != nullptr);
  return context;
}

void Hash(EVP_MD_CTX* context, std::string_view bytes) {
  Require(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

// All but the body.
HashContext BeginHash(const KeyInput& input) {
  // Looked up once, not for each key; never freed.
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  Require(sha256 != nullptr);
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

  HashContext context = MakeContext();
  Require(EVP_DigestInit_ex(context.get(), sha256, nullptr) == 1);
  Hash(context.get(), parts);
  return context;
}

RequestKey EndHash(EVP_MD_CTX* context, std::string_view canonical_body) {
  std::string body_size;
  AppendNumber(canonical_body.size(), body_size);
  Hash(context, body_size);
  Hash(context, canonical_body);
  RequestKey key;
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(context, key.data(), &size) == 1);
  Require(size == key.size());
  return key;
}

}  // namespace

RequestKey MakeRequestKey(const KeyInput& input) {
  return EndHash(BeginHash(input).get(), input.canonical_body);
}

KeyStem::KeyStem(const KeyInput& input) : hashed_(BeginHash(input)) {}

RequestKey KeyStem::With(std::string_view canonical_body) const {
  const HashContext context = MakeContext();
  Require(EVP_MD_CTX_copy_ex(context.get(), static_cast<const EVP_MD_CTX*>(hashed_.get())) == 1);
  return EndHash(context.get(), canonical_body);
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
