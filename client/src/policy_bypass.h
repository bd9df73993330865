// Whether a request goes past the cache, by what it is and by what the policy says of it.
#pragma once

#include <string>

#include "dialect.h"
#include "larder/client/policy.h"

namespace larder::client {

// The body is not known beyond that it was not to be read: so neither is what it asks for.
inline bool IsUnread(const RequestPlan& plan) {
  if (plan.bypass == "not-i-json") return true;
  return plan.bypass == kTooComplex && plan.canonical_body.empty();  // else it is a large batch
}

// The reason, or empty if it is cached.
inline std::string BypassOf(const RequestPlan& plan, const PolicyDecision& decision) {
  const bool lifted = plan.bypass == "stateful" && decision.cache_stateful;
  if (!plan.bypass.empty() && !lifted) return plan.bypass;
  return decision.cache ? "" : "policy";
}

}  // namespace larder::client
