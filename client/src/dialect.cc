#include "dialect.h"

#include "answer_json.h"
#include "openai_chat.h"

namespace larder::client {
namespace {

using nlohmann::json;

RequestPlan Bypass(std::string_view why) {
  RequestPlan plan;
  plan.bypass = why;
  return plan;
}

// One endpoint a file: openai_chat.h. What is not an endpoint with a file is not cached, so that
// only answers of these are ever judged, assembled or split.
class OpenAiDialect final : public Dialect {
 public:
  RequestPlan Plan(std::string_view path, std::string_view body) const override {
    if (path.ends_with("/chat/completions")) return PlanChat(body);
    return Bypass("unknown-endpoint");
  }
  Verdict JudgeJson(const RequestPlan& plan, std::string_view body) const override {
    return JudgeChatJson(plan, body);
  }
  Verdict JudgeStream(const RequestPlan& plan, const std::vector<Event>& events) const override {
    return JudgeChatStream(plan, events);
  }
  std::vector<Event> Normalize(std::vector<Event> events) const override {
    for (Event& event : events) {
      event.data = WithoutStringMember(std::move(event.data), "obfuscation");
    }
    return events;
  }
  std::optional<std::size_t> UsageEvent(const std::vector<Event>& events) const override {
    return ChatUsageEvent(events);
  }
  Result<std::string> Assemble(const std::vector<Event>& events) const override {
    return AssembleChat(events);
  }
  Result<std::vector<Event>> Split(std::string_view answer) const override {
    return SplitChat(answer);
  }
  std::string ErrorBody(int status, std::string_view message) const override {
    const char* type = status >= 500   ? "server_error"
                       : status == 429 ? "rate_limit_error"
                                       : "invalid_request_error";
    return DumpJson(
        {{"error", {{"message", message}, {"type", type}, {"param", nullptr}, {"code", nullptr}}}});
  }
};

// Caches no endpoint: every request passes through, and what is here beyond that is the shape of
// errors. The functions on answers are never reached, since every plan is a bypass.
class AnthropicDialect final : public Dialect {
 public:
  RequestPlan Plan(std::string_view, std::string_view) const override {
    return Bypass("unknown-endpoint");
  }
  Verdict JudgeJson(const RequestPlan& plan, std::string_view) const override {
    return {.reason = plan.bypass};
  }
  Verdict JudgeStream(const RequestPlan& plan, const std::vector<Event>&) const override {
    return {.reason = plan.bypass};
  }
  std::vector<Event> Normalize(std::vector<Event> events) const override { return events; }
  std::optional<std::size_t> UsageEvent(const std::vector<Event>&) const override {
    return std::nullopt;
  }
  Result<std::string> Assemble(const std::vector<Event>&) const override { return NoEndpoint(); }
  Result<std::vector<Event>> Split(std::string_view) const override { return NoEndpoint(); }
  std::string ErrorBody(int status, std::string_view message) const override {
    return DumpJson(
        {{"type", "error"}, {"error", {{"type", ErrorType(status)}, {"message", message}}}});
  }

 private:
  static Status NoEndpoint() {
    return {StatusCode::kDataLoss, "the anthropic dialect has no endpoint with two forms"};
  }
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
      default: return status < 500 ? "invalid_request_error" : "api_error";
    }
  }
};

}  // namespace

const Dialect* FindDialect(std::string_view name) {
  static const OpenAiDialect openai;
  static const AnthropicDialect anthropic;
  if (name == "openai") return &openai;
  if (name == "anthropic") return &anthropic;
  return nullptr;
}

}  // namespace larder::client
