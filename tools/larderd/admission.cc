#include "admission.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "caller_scope.h"
#include "larder/client/credentials.h"
#include "larder/client/request_model.h"

namespace larder::gateway {
namespace {

std::string ScopeOf(const AdmissionRules& rules, const Caller* caller,
                    const client::Request& request, std::string_view dialect) {
  if (rules.cassette != client::CassetteMode::kNone) return client::kCassetteScope;
  if (rules.isolation == tools::Isolation::kNamespace) return tools::kNamespaceScope;
  client::Headers credentials = request.headers;
  // Nobody without the key gets here.
  if (caller != nullptr) tools::AddCaller(caller->config, credentials);
  return client::CredentialScope({credentials, request.target, dialect}, rules.store_secret);
}

bool OnlyReads(const client::Request& request) {
  return (request.method == "GET" || request.method == "HEAD") && !client::MayActAsPost(request);
}

// A model that cannot be told is none that was allowed; what only reads asks for none.
bool MayAsk(const Caller& caller, const UpstreamRoute& route, const client::Request& request) {
  if (!caller.is_bound_to_models()) return true;
  if (OnlyReads(request)) return true;
  const std::vector<std::string> models = client::ModelsOf(request, route.dialect);
  return !models.empty() && std::all_of(models.begin(), models.end(), [&](const auto& model) {
    return caller.MayUseModel(model);
  });
}

std::optional<Denial> CheckRate(const Caller& caller) {
  const auto now = std::chrono::steady_clock::now();
  const auto wait = caller.account->Take(caller.config.requests_per_minute, now);
  if (!wait) return std::nullopt;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait);
  return Denial{429, TurnedAway::kRateLimit,
                "this key may make " + std::to_string(caller.config.requests_per_minute) +
                    " requests a minute",
                std::max(seconds, std::chrono::seconds(1))};
}

std::optional<Denial> CheckRights(const Caller& caller, const UpstreamRoute& route,
                                  const client::Request& request) {
  if (!caller.MayUseProvider(route.provider)) {
    return Denial{403, TurnedAway::kForbidden, "this key may not use the provider", {}};
  }
  // First, for the whole body is parsed to tell its model.
  if (std::optional<Denial> denial = CheckRate(caller)) return denial;
  if (!MayAsk(caller, route, request)) {
    return Denial{403, TurnedAway::kForbidden, "this key may not use the model", {}};
  }
  return std::nullopt;
}

// Null: everybody may call.
std::optional<Denial> Identify(const AdmissionRules& rules, client::Request& request,
                               const Caller*& caller) {
  caller = nullptr;
  if (rules.callers.is_open()) return std::nullopt;
  caller = rules.callers.Identify(request.headers);
  if (caller != nullptr) return std::nullopt;
  return Denial{401,
                TurnedAway::kUnauthorized,
                "not a key of this gateway: send one as Authorization: Bearer, x-api-key or "
                "api-key",
                {}};
}

void SetNamespace(const Caller* caller, client::Request& request) {
  if (caller == nullptr) return;
  std::string& name_space = request.directives.name_space;
  name_space = tools::NamespaceWithin(caller->config, name_space);
}

}  // namespace

std::optional<Denial> Admit(const AdmissionRules& rules, const UpstreamRoute& route,
                            client::Request& request, Admission& admission) {
  const Caller* caller = nullptr;
  std::optional<Denial> denial = Identify(rules, request, caller);
  if (!denial && caller != nullptr) denial = CheckRights(*caller, route, request);
  if (denial) return denial;
  if (caller != nullptr) {
    admission.account = caller->account;
    admission.only_hits = caller->IsOutOfBudget(Today());
  }
  SetNamespace(caller, request);
  if (caller != nullptr || rules.isolation == tools::Isolation::kNamespace) {
    request.scope = ScopeOf(rules, caller, request, route.dialect);
  }
  return std::nullopt;
}

std::optional<Denial> AdmitToOwn(const AdmissionRules& rules, client::Request& request,
                                 std::set<std::string>& scopes) {
  const Caller* caller = nullptr;
  std::optional<Denial> denial = Identify(rules, request, caller);
  if (!denial && caller != nullptr) denial = CheckRate(*caller);
  if (denial) return denial;
  SetNamespace(caller, request);
  // Those of LLMs have one notion of credentials, other APIs another.
  for (const char* dialect : {"openai", "http"}) {
    scopes.insert(ScopeOf(rules, caller, request, dialect));
  }
  return std::nullopt;
}

Denial OutOfBudget() {
  return Denial{429,
                TurnedAway::kBudget,
                "this key has spent what it may today, and the answer is not in the cache",
                {}};
}

}  // namespace larder::gateway
