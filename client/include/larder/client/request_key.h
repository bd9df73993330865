// RequestKey: what makes two requests the same (docs/internals.md, "The key").
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/message.h"

namespace larder::client {

struct KeyInput {
  std::string_view name_space;
  std::string_view scope;  // isolation scope: CredentialScope() (credentials.h)
  std::string_view base_url;
  std::string_view target;  // path and query, credentials (`key=`) removed
  std::uint32_t sample = 0;
  const Headers* headers = nullptr;  // the semantics-bearing ones are picked out
  const std::vector<std::string>* key_headers = nullptr;  // ... and these
  std::string_view canonical_body;  // or, with `replaces_body`, the text of Larder-Key
  bool replaces_body = false;
};

using RequestKey = std::array<unsigned char, 32>;

// SHA-256 over the length-prefixed parts of the contract, format version first.
RequestKey MakeRequestKey(const KeyInput& input);

// The keys of requests that differ in their bodies alone: all that stands before the body is hashed
// once, for headers may be long.
class KeyStem {
 public:
  // Of `input`, whose own body is not looked at.
  explicit KeyStem(const KeyInput& input);
  // As MakeRequestKey, of this body, or text of Larder-Key.
  RequestKey With(std::string_view canonical_body) const;

 private:
  std::shared_ptr<const void> hashed_;
};
std::string ToHex(const RequestKey& key);

// `tag` as one caller can invalidate it without touching what others store: with "@" and 16 hex
// digits that tell this scope and namespace from all others. What a caller stores under a tag
// carries this one beside it (StackParts::scoped_tags), so the operator invalidates for all, a
// caller for itself, by the same rules of the engine. Who does not know the scope cannot make it.
std::string ScopedTag(std::string_view tag, std::string_view scope, std::string_view name_space);
// Whether a header of this name belongs to the key, by itself or as one of `key_headers`.
bool IsKeyHeader(std::string_view name, const std::vector<std::string>& key_headers);

}  // namespace larder::client
