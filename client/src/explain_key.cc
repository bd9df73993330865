#include "larder/client/explain_key.h"

#include <string>
#include <utility>
#include <vector>

#include "dialect.h"
#include "http_dialect.h"
#include "larder/client/cassette.h"
#include "larder/client/credentials.h"
#include "policy_bypass.h"

namespace larder::client {

namespace {

// Whether the query's `key`, which is left out elsewhere, stays in: to an API that nobody here
// knows it may be what is asked for. Not where the scope has it; where a credential of our own goes
// up, it does not; and a cassette is replayed by others, who have another or none.
bool KeepsWholeTarget(const ProviderConfig& provider, std::string_view scope) {
  return provider.dialect == "http" && provider.auth.method == AuthMethod::kPassThrough &&
         !IsCredentialScope(scope) && scope != kCassetteScope;
}

// What `use` makes of all that is in a key but the body.
template <typename Use>
auto WithInput(const Request& request, const ProviderConfig& provider, std::string_view scope,
               const Use& use) {
  std::string target =
      KeepsWholeTarget(provider, scope) ? request.target : WithoutCredentials(request.target);
  std::vector<std::string> key_headers = provider.key_headers;
  if (provider.dialect == "http") {  // whose endpoints are told apart by nothing else
    target = request.method + ' ' + target;
    key_headers = HttpKeyHeaders(provider);
  }
  KeyInput input;
  input.name_space = request.directives.name_space;
  input.scope = scope;
  input.base_url = provider.base_url;
  input.target = target;
  input.sample = request.directives.sample;
  input.headers = &request.headers;
  input.key_headers = &key_headers;
  input.replaces_body = request.directives.key.has_value();
  return use(input);
}

}  // namespace

RequestKey KeyOfRequest(const Request& request, const ProviderConfig& provider,
                        std::string_view canonical_body, std::string_view scope) {
  return WithInput(request, provider, scope, [&](KeyInput input) {
    input.canonical_body = input.replaces_body ? *request.directives.key : canonical_body;
    return MakeRequestKey(input);
  });
}

KeyStem StemOfRequest(const Request& request, const ProviderConfig& provider,
                      std::string_view scope) {
  return WithInput(request, provider, scope, [](const KeyInput& input) { return KeyStem(input); });
}

Result<KeyExplanation> ExplainKey(const Request& request, const ProviderConfig& provider,
                                  const Policy& policy, std::string_view scope) {
  const Dialect* dialect = FindDialect(provider.dialect);
  if (dialect == nullptr) {
    return Status(StatusCode::kInvalidArgument,
                  "dialect \"" + provider.dialect + "\" is not cached by this version");
  }
  const std::string path = request.target.substr(0, request.target.find('?'));
  RequestPlan plan = dialect->Plan(request.method, path, request.body);
  if (plan.bypass == "not-i-json") {
    return Status(StatusCode::kInvalidArgument, "the request is not an I-JSON object (RFC 7493)");
  }
  if (plan.bypass == "unknown-endpoint") {
    return Status(StatusCode::kInvalidArgument,
                  path + " is not an endpoint that this version caches");
  }
  KeyExplanation explanation;
  if (IsUnread(plan)) {
    explanation.bypass = plan.bypass;
    return explanation;
  }
  explanation.bypass = BypassOf(plan, policy.Decide({.provider = provider.name,
                                                     .path = path,
                                                     .model = plan.model,
                                                     .headers = request.headers,
                                                     .body = request.body}));
  explanation.key = KeyOfRequest(request, provider, plan.canonical_body, scope);
  explanation.canonical = std::move(plan.canonical_body);
  explanation.ignored = std::move(plan.ignored);
  return explanation;
}

}  // namespace larder::client
