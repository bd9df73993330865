// key: what the gateway would look a request up by.
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cache_access.h"
#include "caller_scope.h"
#include "console.h"
#include "larder/client/cassette.h"
#include "larder/client/explain_key.h"
#include "request_file.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using client::ProviderConfig;
using nlohmann::ordered_json;

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

// --client, else who has the key that the request comes with; null: the gateway has no clients.
Result<const tools::CallerConfig*> ChooseCaller(const Invocation& invocation,
                                                const std::vector<tools::CallerConfig>& callers,
                                                client::Request& request) {
  const std::string name = invocation.Value("--client");
  if (!name.empty()) {
    for (const tools::CallerConfig& caller : callers) {
      if (caller.name == name) return &caller;
    }
    return Invalid("gateway.clients has no \"" + name + "\"");
  }
  const tools::CallerConfig* nobody = nullptr;
  if (callers.empty()) return nobody;
  const std::optional<std::size_t> found = tools::FindCaller(callers, request.headers);
  if (found) return &callers[*found];
  return Invalid(
      "the gateway has clients of its own (gateway.clients): name one with --client, or give the "
      "request a key with --credential-from-env");
}

// The scope where it does not depend on credentials.
std::optional<std::string> FixedScope(const tools::GatewayConfig& gateway) {
  if (gateway.mode != client::CassetteMode::kNone) return client::kCassetteScope;
  if (gateway.isolation == tools::Isolation::kNamespace) return tools::kNamespaceScope;
  return std::nullopt;
}

// The holder of the store hashes the credentials: its secret stays with it.
Result<std::string> AskScope(CacheAccess& cache, const client::Request& request,
                             const ProviderConfig& provider, const tools::CallerConfig* caller) {
  client::Headers credentials = request.headers;
  if (caller != nullptr) tools::AddCaller(*caller, credentials);
  ordered_json headers = ordered_json::array();
  for (const client::Header& header : credentials) {
    headers.push_back({header.name, header.value});
  }
  const ordered_json body = {
      {"target", request.target}, {"headers", std::move(headers)}, {"dialect", provider.dialect}};
  const Result<std::string> answer =
      cache.Call({.method = "POST",
                  .path = "/v1/scope",
                  .body = body.dump(-1, ' ', false, ordered_json::error_handler_t::replace)});
  if (!answer.ok()) return answer.status();
  return ordered_json::parse(*answer)["scope"].get<std::string>();
}

tools::ExitStatus Show(const client::KeyExplanation& explanation, Console& console) {
  const bool cached = explanation.bypass.empty();
  if (console.json()) {
    ordered_json json;
    json["key"] = cached ? ordered_json(client::ToHex(explanation.key)) : nullptr;
    json["canonical"] = cached ? ordered_json(explanation.canonical) : nullptr;
    json["ignored"] = explanation.ignored;
    json["bypass"] = cached ? nullptr : ordered_json(explanation.bypass);
    console.Line(json.dump());
  } else if (cached) {
    Rows rows = {{"key", client::ToHex(explanation.key)}, {"canonical", explanation.canonical}};
    for (const std::string& name : explanation.ignored) rows.emplace_back("ignored", name);
    console.Table(rows);
  } else {
    console.Note("cachectl: no key: such a request goes past the cache (" + explanation.bypass +
                 ")");
  }
  return cached ? tools::kExitDone : tools::kExitNotFound;
}

}  // namespace

Result<tools::ExitStatus> RunKey(const Invocation& invocation, Console& console) {
  Result<RequestFile> file = ReadRequestFile(invocation, invocation.arguments[0]);
  if (!file.ok()) return file.status();
  client::Request* const request = &file->request;
  const tools::GatewayConfig& gateway = file->config.gateway;
  const auto caller = ChooseCaller(invocation, gateway.callers, *request);
  if (!caller.ok()) return caller.status();
  if (*caller != nullptr) {
    std::string& name_space = request->directives.name_space;
    name_space = tools::NamespaceWithin(**caller, name_space);
  }
  const ProviderConfig* const provider = &file->provider;
  // Wrong input is told before the cache is looked for; the scope plays no part in that.
  const client::Policy& policy = file->config.client.policy;
  const Result<client::KeyExplanation> check = client::ExplainKey(*request, *provider, policy, "");
  if (!check.ok()) {
    return Status(check.status().code(), invocation.arguments[0] + ": " + check.status().message());
  }
  std::optional<std::string> scope = FixedScope(gateway);
  if (!scope) {
    const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
    if (!cache.ok()) return cache.status();
    const Result<std::string> asked = AskScope(**cache, *request, *provider, *caller);
    if (!asked.ok()) return asked.status();
    scope = *asked;
  }
  const Result<client::KeyExplanation> explanation =
      client::ExplainKey(*request, *provider, policy, *scope);
  if (!explanation.ok()) return explanation.status();
  return Show(*explanation, console);
}

}  // namespace larder::cachectl
