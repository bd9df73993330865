#include "larder/client/explain_policy.h"

#include "dialect.h"
#include "policy_bypass.h"

namespace larder::client {

Result<PolicyExplanation> ExplainPolicy(const Request& request, const ProviderConfig& provider,
                                        const Policy& policy) {
  const Dialect* dialect = FindDialect(provider.dialect);
  if (dialect == nullptr) {
    return Status(StatusCode::kInvalidArgument, "no dialect `" + provider.dialect + "`");
  }
  const std::string path = request.target.substr(0, request.target.find('?'));
  const RequestPlan plan = dialect->Plan(request.method, path, request.body);
  if (plan.bypass == "unknown-endpoint") {
    return Status(StatusCode::kInvalidArgument,
                  path + " is not an endpoint that this version caches");
  }
  PolicyExplanation explanation;
  explanation.decision = policy.Decide({.provider = provider.name,
                                        .path = path,
                                        .model = plan.model,
                                        .headers = request.headers,
                                        .body = request.body});
  explanation.bypass = BypassOf(plan, explanation.decision);
  return explanation;
}

}  // namespace larder::client
