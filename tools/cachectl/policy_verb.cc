// policy test: what the rules of the configuration make of a request.
#include <nlohmann/json.hpp>

#include "console.h"
#include "larder/client/explain_policy.h"
#include "request_file.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using client::PolicyDecision;
using client::PolicyRule;
using nlohmann::ordered_json;

std::string Seconds(Duration duration) {
  if (duration == kForever) return "never";
  const auto ms = duration.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + "s" : std::to_string(ms) + "ms";
}

std::string TruncatedName(client::StoreTruncated truncated) {
  switch (truncated) {
    case client::StoreTruncated::kAlways: return "always";
    case client::StoreTruncated::kNever: return "never";
    case client::StoreTruncated::kWhenLimited: return "when_limited";
  }
  return "";
}

ordered_json Milliseconds(const std::optional<Duration>& duration) {
  if (!duration) return nullptr;
  return *duration == kForever ? ordered_json("never") : ordered_json(duration->count());
}

ordered_json ToJson(const client::PolicyExplanation& explanation, const std::string& name) {
  const PolicyDecision& decision = explanation.decision;
  ordered_json json;
  json["rule"] = decision.rule ? ordered_json(*decision.rule) : ordered_json(nullptr);
  json["name"] = name;
  json["cached"] = explanation.bypass.empty();
  json["bypass"] =
      explanation.bypass.empty() ? ordered_json(nullptr) : ordered_json(explanation.bypass);
  json["ttl_ms"] = Milliseconds(decision.ttl);
  json["tags"] = decision.tags;
  json["stale_while_revalidate_ms"] = Milliseconds(decision.stale_while_revalidate);
  json["stale_if_error_ms"] = Milliseconds(decision.stale_if_error);
  json["store_truncated"] = TruncatedName(decision.store.truncated);
  json["store_content_filter"] = decision.store.content_filter;
  json["store_refusals"] = decision.store.refusals;
  json["store_incomplete"] = decision.store.incomplete;
  return json;
}

Rows ToRows(const client::PolicyExplanation& explanation, const std::string& name) {
  const PolicyDecision& decision = explanation.decision;
  Rows rows;
  std::string rule = decision.rule ? "/policy/" + std::to_string(*decision.rule) : "none matches";
  if (!name.empty()) rule += " (" + name + ")";
  rows.emplace_back("rule", rule);
  rows.emplace_back("cached", explanation.bypass.empty() ? "yes" : "no: " + explanation.bypass);
  if (decision.ttl) rows.emplace_back("ttl", Seconds(*decision.ttl));
  for (const std::string& tag : decision.tags) rows.emplace_back("tag", tag);
  if (decision.stale_while_revalidate) {
    rows.emplace_back("stale_while_revalidate", Seconds(*decision.stale_while_revalidate));
  }
  if (decision.stale_if_error) {
    rows.emplace_back("stale_if_error", Seconds(*decision.stale_if_error));
  }
  rows.emplace_back("store_truncated", TruncatedName(decision.store.truncated));
  return rows;
}

}  // namespace

Result<tools::ExitStatus> RunPolicyTest(const Invocation& invocation, Console& console) {
  const Result<RequestFile> file = ReadRequestFile(invocation, invocation.arguments[0]);
  if (!file.ok()) return file.status();
  const client::Policy& policy = file->config.client.policy;
  const Result<client::PolicyExplanation> explanation =
      client::ExplainPolicy(file->request, file->provider, policy);
  if (!explanation.ok()) return explanation.status();
  const std::optional<std::size_t>& rule = explanation->decision.rule;
  const std::string name = rule ? policy.rules()[*rule].name : "";
  if (console.json()) {
    console.Line(
        ToJson(*explanation, name).dump(-1, ' ', false, ordered_json::error_handler_t::replace));
  } else {
    console.Table(ToRows(*explanation, name));
  }
  return explanation->bypass.empty() ? tools::kExitDone : tools::kExitNotFound;
}

}  // namespace larder::cachectl
