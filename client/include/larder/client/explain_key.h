// ExplainKey: the key of a request and what it was made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/client/request_key.h"
#include "larder/result.h"

namespace larder::client {

// The key of `request` to `provider` for a caller whose isolation scope is `scope`; the caching
// layer's own. `canonical_body` is not looked at where Larder-Key stands in for it.
RequestKey KeyOfRequest(const Request& request, const ProviderConfig& provider,
                        std::string_view canonical_body, std::string_view scope);

struct KeyExplanation {
  RequestKey key{};
  std::string canonical;             // the canonical body that was hashed
  std::vector<std::string> ignored;  // names of top-level fields left out
  // Set: the request goes past the cache all the same, and why ("stateful").
  std::string bypass;
};

// Errors: kInvalidArgument (the body is not I-JSON, the path is no endpoint that is cached, or the
// provider's dialect is not known).
Result<KeyExplanation> ExplainKey(const Request& request, const ProviderConfig& provider,
                                  std::string_view scope);

}  // namespace larder::client
