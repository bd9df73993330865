// What request bodies of all dialects have in common.
#pragma once

#include <span>
#include <string_view>

#include "canonical_json.h"
#include "dialect.h"

namespace larder::client {

// A body on its way to becoming a plan.
struct PlannedBody {
  RequestPlan plan;  // with a bypass if the body is not I-JSON; the object is empty then
  CanonicalObject object;

  bool ok() const { return plan.bypass.empty(); }
  // The plan, which gets the canonical body.
  RequestPlan Take();
};

// Reads model, stream, and whether one of `limits` is given. `ignored`: top-level fields that do
// not change what is answered. JSON and streams alike want their usage, unless told otherwise.
PlannedBody PlanBody(const Endpoint& endpoint, std::string_view body,
                     std::span<const std::string_view> ignored,
                     std::span<const std::string_view> limits);

// There, and not null.
bool IsGiven(const CanonicalObject& object, std::string_view name);

// Sets wants_usage as `stream_options.include_usage` says, can_ask_usage, and choices as `n` does.
void ReadChatOptions(const CanonicalObject& object, RequestPlan& plan);

// Whether an element of the array `tools` has a type, other than null, that `is_client_side` does
// not know: such tools are run by the provider.
bool HasHostedTool(const CanonicalObject& object, bool (*is_client_side)(std::string_view type));

// Whether an answer to it that was cut by a limit of tokens is kept from the store.
bool IsUnwantedlyTruncated(const RequestPlan& plan, const StoreRules& rules);

}  // namespace larder::client
