// ExplainPolicy: what a policy makes of a request, without sending it.
#pragma once

#include <string>

#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/client/policy.h"
#include "larder/result.h"

namespace larder::client {

struct PolicyExplanation {
  PolicyDecision decision;
  // Set: the request goes past the cache, and why ("policy", "stateful", "not-i-json").
  std::string bypass;
};

// Errors: kInvalidArgument (the path is no endpoint that is cached, or the provider's dialect is
// not known).
Result<PolicyExplanation> ExplainPolicy(const Request& request, const ProviderConfig& provider,
                                        const Policy& policy);

}  // namespace larder::client
