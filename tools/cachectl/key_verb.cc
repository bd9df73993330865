// key: what the gateway would look a request up by.
#include <nlohmann/json.hpp>

#include "cache_access.h"
#include "console.h"
#include "larder/client/explain_key.h"
#include "request_file.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using client::ProviderConfig;
using nlohmann::ordered_json;

// The holder of the store hashes the credentials: its secret stays with it.
Result<std::string> AskScope(CacheAccess& cache, const client::Request& request) {
  ordered_json headers = ordered_json::array();
  for (const client::Header& header : request.headers) {
    headers.push_back({header.name, header.value});
  }
  const ordered_json body = {{"target", request.target}, {"headers", std::move(headers)}};
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
  const Result<RequestFile> file = ReadRequestFile(invocation, invocation.arguments[0]);
  if (!file.ok()) return file.status();
  const client::Request* const request = &file->request;
  const ProviderConfig* const provider = &file->provider;
  // Wrong input is told before the cache is looked for; the scope plays no part in that.
  const Result<client::KeyExplanation> check = client::ExplainKey(*request, *provider, "");
  if (!check.ok()) {
    return Status(check.status().code(), invocation.arguments[0] + ": " + check.status().message());
  }
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  const Result<std::string> scope = AskScope(**cache, *request);
  if (!scope.ok()) return scope.status();
  const Result<client::KeyExplanation> explanation =
      client::ExplainKey(*request, *provider, *scope);
  if (!explanation.ok()) return explanation.status();
  return Show(*explanation, console);
}

}  // namespace larder::cachectl
