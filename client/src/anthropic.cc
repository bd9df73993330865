#include "anthropic.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "answer_json.h"
#include "anthropic_stream.h"
#include "request_plan.h"

namespace larder::client {
namespace {

using nlohmann::json;

constexpr std::string_view kIgnored[] = {"stream", "metadata", "service_tier"};
constexpr std::string_view kLimits[] = {"max_tokens"};

// Tools whose results come from the caller; all others run on Anthropic's servers.
bool IsClientSide(std::string_view type) {
  if (type == "custom") return true;
  constexpr std::string_view kPrefixes[] = {"bash_", "text_editor_", "computer_", "memory_"};
  return std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                     [&](std::string_view prefix) { return type.starts_with(prefix); });
}

// Its `input_tokens` are those that were neither read from the prompt cache nor written to it.
std::optional<Usage> ReadUsage(const json& message) {
  const json* usage = FindMember(message, "usage");
  if (usage == nullptr || !usage->is_object()) return std::nullopt;
  Usage read;
  read.cached_input_tokens = CountMember(*usage, "cache_read_input_tokens");
  read.cache_write_tokens = CountMember(*usage, "cache_creation_input_tokens");
  if (const json* written = FindMember(*usage, "cache_creation")) {
    read.cache_write_1h_tokens = CountMember(*written, "ephemeral_1h_input_tokens");
  }
  read.input_tokens =
      CountMember(*usage, "input_tokens") + read.cached_input_tokens + read.cache_write_tokens;
  read.output_tokens = CountMember(*usage, "output_tokens");
  return read;
}

// Blocks of a kind that is not known say something.
bool SaysSomething(const json& block) {
  const std::string_view type = StringMember(block, "type");
  if (type == "text") return HasSomething(block, "text");
  if (type == "thinking")
    return HasSomething(block, "thinking") || HasSomething(block, "signature");
  return block.is_object();
}

Verdict JudgeMessage(const RequestPlan& plan, const StoreRules& rules, const json& message) {
  Verdict verdict;
  verdict.usage = ReadUsage(message);
  verdict.model = StringMember(message, "model");
  const json* content = FindMember(message, "content");
  const std::string_view stop = StringMember(message, "stop_reason");
  const bool is_message = content != nullptr && content->is_array();
  if (IsSet(message, "error") || StringMember(message, "type") == "error") {
    verdict.reason = "error";
  } else if (!is_message) {
    verdict.reason = "invalid";
  } else if (stop == "refusal" && !rules.refusals) {
    verdict.reason = "refusal";
  } else if (stop == "max_tokens" && IsUnwantedlyTruncated(plan, rules)) {
    verdict.reason = "truncated";
  } else if (!std::any_of(content->begin(), content->end(), &SaysSomething)) {
    verdict.reason = "empty";
  }
  verdict.store = verdict.reason.empty();
  return verdict;
}

class MessagesEndpoint final : public Endpoint {
 public:
  std::string_view name() const override { return "anthropic.messages"; }

  RequestPlan Plan(std::string_view body) const override {
    PlannedBody planned = PlanBody(*this, body, kIgnored, kLimits);
    if (!planned.ok()) return planned.plan;
    const CanonicalObject& object = planned.object;
    if (IsGiven(object, "container") || IsGiven(object, "mcp_servers") ||
        HasHostedTool(object, &IsClientSide)) {
      planned.plan.bypass = "stateful";
    }
    return planned.Take();
  }
  Verdict JudgeJson(const RequestPlan& plan, const StoreRules& rules,
                    std::string_view body) const override {
    AnswerParser parser;
    const std::optional<json> message = parser.Parse(body);
    if (!message || !message->is_object()) return {.reason = std::string(parser.problem())};
    return JudgeMessage(plan, rules, *message);
  }
  Verdict JudgeStream(const RequestPlan& plan, const StoreRules& rules,
                      const std::vector<Event>& events) const override {
    const MessageStream stream = ReadMessageStream(events);
    Verdict verdict = JudgeMessage(plan, rules, stream.message);
    verdict.has_end_mark = stream.has_end_mark;
    if (!stream.problem.empty()) {
      verdict.store = false;
      verdict.reason = stream.problem;
      if (!stream.told_usage) verdict.usage.reset();
    }
    return verdict;
  }
  Result<std::string> Assemble(const std::vector<Event>& events) const override {
    const MessageStream stream = ReadMessageStream(events);
    if (stream.problem.empty()) return DumpJson(stream.message);
    return Status(StatusCode::kDataLoss, "not the stream of a whole message");
  }
  Result<std::vector<Event>> Split(std::string_view body) const override {
    const std::optional<json> message = ParseAnswer(body);
    if (!message) return Status(StatusCode::kDataLoss, "not a message");
    return SplitMessage(*message);
  }
};

class Anthropic final : public Dialect {
 public:
  const Endpoint* FindEndpoint(std::string_view method, std::string_view path) const override {
    return method == "POST" && path.ends_with("/messages") ? &AnthropicMessages() : nullptr;
  }
  std::string ErrorBody(int status, std::string_view message) const override {
    return DumpJson(
        {{"type", "error"}, {"error", {{"type", ErrorType(status)}, {"message", message}}}});
  }
  std::string_view ErrorEventName() const override { return "error"; }

 private:
  static const char* ErrorType(int status) {
    switch (status) {
      case 400: return "invalid_request_error";
      case 401: return "authentication_error";
      case 403: return "permission_error";
      case 404: return "not_found_error";
      case 413: return "request_too_large";
      case 429: return "rate_limit_error";
      case 503:
      case 529: return "overloaded_error";
      case 504: return "timeout_error";
      default: return status < 500 ? "invalid_request_error" : "api_error";
    }
  }
};

}  // namespace

const Dialect& AnthropicDialect() {
  static const Anthropic dialect;
  return dialect;
}

const Endpoint& AnthropicMessages() {
  static const MessagesEndpoint endpoint;
  return endpoint;
}

}  // namespace larder::client
