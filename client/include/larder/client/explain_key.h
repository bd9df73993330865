// ExplainKey: the key of a request and what it was made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/client/policy.h"
#include "larder/client/request_key.h"
#include "larder/result.h"

namespace larder::client {

// The key of `request` to `provider` for a caller whose isolation scope is `scope`; the caching
// layer's own. `canonical_body` is not looked at where Larder-Key stands in for it.
RequestKey KeyOfRequest(const Request& request, const ProviderConfig& provider,
                        std::string_view canonical_body, std::string_view scope);

// The same for many bodies; the caller's text of Larder-Key, if any, is given to it as one.
KeyStem StemOfRequest(const Request& request, const ProviderConfig& provider,
                      std::string_view scope);

struct KeyExplanation {
  // By which it would be looked up, whether it is or not; zeros where `bypass` is "too-complex"
  // and the body was not read to its end.
  RequestKey key{};
  std::string canonical;             // the canonical body that was hashed
  std::vector<std::string> ignored;  // names of top-level fields left out
  // Set: the request goes past the cache all the same, and why ("stateful", "policy", ...).
  std::string bypass;

  bool has_key() const { return key != RequestKey{}; }
};

// What `policy` says of the request decides on whether it goes past the cache.
// Errors: kInvalidArgument (the body is not I-JSON, the path is no endpoint that is cached, or the
// provider's dialect is not known).
Result<KeyExplanation> ExplainKey(const Request& request, const ProviderConfig& provider,
                                  const Policy& policy, std::string_view scope);

}  // namespace larder::client
