// Chat completions, .../chat/completions.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "answer_json.h"
#include "openai.h"
#include "openai_chunks.h"
#include "request_plan.h"

namespace larder::client {
namespace {

using nlohmann::json;

// Top-level fields that do not change what is answered.
constexpr std::string_view kIgnored[] = {
    "stream",           "stream_options",         "user",         "safety_identifier", "metadata",
    "prompt_cache_key", "prompt_cache_retention", "service_tier",
};
constexpr std::string_view kLimits[] = {"max_tokens", "max_completion_tokens"};

bool HasAnswer(const json& choice) {
  const json& message = choice["message"];
  for (const char* name : {"content", "refusal", "reasoning", "reasoning_content",
                           "reasoning_details", "tool_calls", "images"}) {
    if (HasSomething(message, name)) return true;
  }
  // Some providers send these two as objects of empty strings where there is nothing.
  const json* call = FindMember(message, "function_call");
  const json* audio = FindMember(message, "audio");
  return (call != nullptr && !StringMember(*call, "name").empty()) ||
         (audio != nullptr && (HasSomething(*audio, "data") || HasSomething(*audio, "id")));
}

// Those of custom tools are free text.
bool HasGarbledCalls(const json& message) {
  const json* call = FindMember(message, "function_call");
  if (call != nullptr && IsGarbled(StringMember(*call, "arguments"))) return true;
  const json* calls = FindMember(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return false;
  return std::any_of(calls->begin(), calls->end(), [](const json& tool) {
    const json* function = FindMember(tool, "function");
    return function != nullptr && IsGarbled(StringMember(*function, "arguments"));
  });
}

std::string_view ChoiceProblem(const RequestPlan& plan, const StoreRules& rules,
                               const json& choice) {
  const json* message = FindMember(choice, "message");
  const std::string_view finish = StringMember(choice, "finish_reason");
  if (finish == "content_filter" && !rules.content_filter) return "content_filter";
  if (message == nullptr || !message->is_object()) return "invalid";
  if (!StringMember(*message, "refusal").empty() && !rules.refusals) return "refusal";
  if (finish == "length" && IsUnwantedlyTruncated(plan, rules)) return "truncated";
  return HasGarbledCalls(*message) ? "bad_arguments" : "";
}

constexpr ChunkDialect kChat = {ChunkKind::kChat, &ChoiceProblem, &HasAnswer};

class ChatEndpoint final : public ChunkEndpoint {
 public:
  ChatEndpoint() : ChunkEndpoint(kChat) {}

  std::string_view name() const override { return "openai.chat"; }

  RequestPlan Plan(std::string_view body) const override {
    PlannedBody planned = PlanBody(*this, body, kIgnored, kLimits);
    if (!planned.ok()) return planned.plan;
    ReadChatOptions(planned.object, planned.plan);
    const bool stored_there = planned.object.Find("store") == "true";
    if (stored_there || IsGiven(planned.object, "web_search_options")) {
      planned.plan.bypass = "stateful";
    }
    return planned.Take();
  }
  Result<std::vector<Event>> Split(std::string_view answer) const override {
    return SplitChatAnswer(answer);
  }
};

}  // namespace

const Endpoint& OpenAiChat() {
  static const ChatEndpoint endpoint;
  return endpoint;
}

}  // namespace larder::client
