#include "request_plan.h"

#include <charconv>
#include <utility>

#include "answer_json.h"
#include "json_slices.h"

namespace larder::client {

using nlohmann::json;

RequestPlan PlannedBody::Take() {
  plan.ignored = std::move(object.left_out);
  plan.canonical_body = std::move(object.text);
  return std::move(plan);
}

PlannedBody PlanBody(const Endpoint& endpoint, std::string_view body,
                     std::span<const std::string_view> ignored,
                     std::span<const std::string_view> limits) {
  PlannedBody planned;
  RequestPlan& plan = planned.plan;
  plan.endpoint = &endpoint;
  Result<CanonicalObject> object = CanonicalizeObject(body, ignored);
  if (!object.ok()) {
    const bool too_many = object.status().code() == StatusCode::kResourceExhausted;
    plan.bypass = too_many ? kTooComplex : "not-i-json";
    plan.problem = object.status().message();
    return planned;
  }
  planned.object = *std::move(object);
  plan.model = ReadString(planned.object.Find("model").value_or("")).value_or("");
  plan.stream = planned.object.Find("stream") == "true";
  plan.wants_usage = true;
  for (const std::string_view limit : limits) {
    if (IsGiven(planned.object, limit)) plan.limited = true;
  }
  return planned;
}

bool IsGiven(const CanonicalObject& object, std::string_view name) {
  const auto value = object.Find(name);
  return value && *value != "null";
}

void ReadChatOptions(const CanonicalObject& object, RequestPlan& plan) {
  if (plan.stream) {
    plan.wants_usage = false;
    plan.can_ask_usage = !IsGiven(object, "stream_options");
    if (const auto options = object.Find("stream_options"); options) {
      const Result<CanonicalObject> inner = CanonicalizeObject(*options);
      plan.wants_usage = inner.ok() && inner->Find("include_usage") == "true";
      plan.can_ask_usage |= inner.ok() && !plan.wants_usage;
    }
  }
  if (const auto n = object.Find("n"); n) {
    std::from_chars(n->data(), n->data() + n->size(), plan.choices);
  }
}

bool HasHostedTool(const CanonicalObject& object, bool (*is_client_side)(std::string_view type)) {
  const auto text = object.Find("tools");
  if (!text) return false;
  const json tools = json::parse(*text, nullptr, false);
  if (!tools.is_array()) return false;
  for (const json& tool : tools) {
    const json* type = FindMember(tool, "type");
    if (type == nullptr || type->is_null()) continue;
    if (!type->is_string() || !is_client_side(type->get_ref<const std::string&>())) return true;
  }
  return false;
}

bool IsUnwantedlyTruncated(const RequestPlan& plan, const StoreRules& rules) {
  switch (rules.truncated) {
    case StoreTruncated::kAlways: return false;
    case StoreTruncated::kNever: return true;
    case StoreTruncated::kWhenLimited: return !plan.limited;
  }
  return true;
}

}  // namespace larder::client
