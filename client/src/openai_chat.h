// Chat completions, the endpoint `…/chat/completions` of the openai dialect, in both forms. The
// functions are what Dialect's are, for this endpoint.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dialect.h"

namespace larder::client {

RequestPlan PlanChat(std::string_view body);
Verdict JudgeChatJson(const RequestPlan& plan, std::string_view body);
Verdict JudgeChatStream(const RequestPlan& plan, const std::vector<Event>& events);
std::optional<std::size_t> ChatUsageEvent(const std::vector<Event>& events);
Result<std::string> AssembleChat(const std::vector<Event>& events);
Result<std::vector<Event>> SplitChat(std::string_view json);

}  // namespace larder::client
