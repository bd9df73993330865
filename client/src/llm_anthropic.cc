// Anthropic's messages, written and read.
#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "llm_anthropic_message.h"
#include "llm_dialect.h"
#include "llm_fields.h"
#include "llm_output.h"
#include "llm_tools.h"

namespace larder::client {
namespace {

// The API wants a limit; this one fits every model that it serves.
constexpr std::int64_t kUsualMaxTokens = 4096;
constexpr std::int64_t kMostReasoning = std::numeric_limits<std::int64_t>::max() - kUsualMaxTokens;

bool IsSystem(const Message& message) {
  return message.role == Role::kSystem || message.role == Role::kDeveloper;
}

// The system's texts stand apart, before all messages.
Status AddMessages(const LlmRequest& request, LlmJson& body) {
  std::vector<const Message*> system;
  LlmJson messages = LlmJson::array();
  for (const Message& message : request.messages) {
    if (IsSystem(message)) {
      if (!message.extra.empty()) {
        return {StatusCode::kInvalidArgument, "Anthropic has no place for a system's `extra`"};
      }
      system.push_back(&message);
      continue;
    }
    Result<LlmJson> written = WriteMessage(message);
    if (!written.ok()) return written.status();
    messages.push_back(*std::move(written));
  }
  if (!system.empty()) {
    Result<LlmJson> texts = WriteContent(system);
    if (!texts.ok()) return texts.status();
    body["system"] = *std::move(texts);
  }
  if (!messages.empty()) body["messages"] = std::move(messages);
  return Status::Ok();
}

void ReadMessages(LlmFields& fields, LlmRequest& request) {
  Message system{Role::kSystem, {}, {}};
  LlmJson texts = fields.Structure("system");
  if (texts.is_null()) texts = fields.Text("system");
  if (texts != "") ReadContent(texts, system.parts);
  if (!system.parts.empty()) request.messages.push_back(std::move(system));
  for (const LlmJson& message : fields.Objects("messages")) {
    request.messages.push_back(ReadMessage(message));
  }
}

LlmJson WriteToolChoice(const ToolChoice& choice) {
  switch (choice.kind) {
    case ToolChoice::Kind::kAuto: return {{"type", "auto"}};
    case ToolChoice::Kind::kNone: return {{"type", "none"}};
    case ToolChoice::Kind::kRequired: return {{"type", "any"}};
    case ToolChoice::Kind::kNamed: break;
  }
  return {{"type", "tool"}, {"name", choice.name}};
}

// The API wants a schema.
Result<LlmJson> WriteTool(const Tool& tool) {
  Tool whole = tool;
  if (whole.parameters.empty()) whole.parameters = R"({"type":"object"})";
  return WriteFunction(whole, "input_schema");
}

Tool ReadTool(const LlmJson& json) { return ReadFunction(LlmFields(json), "input_schema"); }

void ReadTools(LlmFields& fields, LlmRequest& request) {
  ReadTools(fields, ReadTool, WriteTool, request.tools);
  const LlmJson* choice = fields.Find("tool_choice");
  const std::string name(choice == nullptr ? "" : LlmView(*choice, "name"));
  ReadToolChoice(fields, name, WriteToolChoice, request.tool_choice);
}

constexpr OutputPlace kOutput = {
    "output_config", [](const OutputSchema&, LlmJson schema) -> LlmJson {
      return {{"format", {{"type", "json_schema"}, {"schema", std::move(schema)}}}};
    }};

// The limit is on the reasoning too, and the API wants it to be above that.
void AddSettings(const LlmRequest& request, LlmJson& body) {
  const std::int64_t reasoning = std::min(request.reasoning_tokens.value_or(0), kMostReasoning);
  body["max_tokens"] =
      request.max_output_tokens.value_or(kUsualMaxTokens + std::max<std::int64_t>(reasoning, 0));
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.top_p) body["top_p"] = *request.top_p;
  if (!request.stop.empty()) body["stop_sequences"] = request.stop;
  if (request.reasoning_tokens) {
    body["thinking"] = {{"type", "enabled"}, {"budget_tokens", *request.reasoning_tokens}};
  }
}

// In words, where it is not said in tokens.
void AddEffort(const LlmRequest& request, LlmJson& body) {
  if (request.reasoning_effort.empty() || request.reasoning_tokens) return;
  body["output_config"]["effort"] = request.reasoning_effort;
}

void ReadEffort(LlmFields& fields, LlmRequest& request) {
  if (request.reasoning_tokens) return;
  LlmFields config(fields.Structure("output_config"));
  request.reasoning_effort = config.Word("effort");
  if (!config.empty()) fields.Return("output_config", LlmParse(config.Rest()));
}

void ReadSettings(LlmFields& fields, LlmRequest& request) {
  request.max_output_tokens = fields.Integer("max_tokens");
  request.temperature = fields.Number("temperature");
  request.top_p = fields.Number("top_p");
  request.stop = fields.Words("stop_sequences");
  LlmJson thinking = fields.Structure("thinking");
  if (thinking.is_null()) return;
  LlmFields known(thinking);
  const std::optional<std::int64_t> budget = known.Integer("budget_tokens");
  if (known.Text("type") == "enabled" && budget && known.empty()) {
    request.reasoning_tokens = budget;
  } else {
    fields.Return("thinking", std::move(thinking));
  }
}

FinishReason FinishOf(std::string_view text) {
  if (text == "end_turn" || text == "stop_sequence") return FinishReason::kStop;
  if (text == "max_tokens") return FinishReason::kLength;
  if (text == "tool_use") return FinishReason::kToolCalls;
  if (text == "refusal") return FinishReason::kRefusal;
  return FinishReason::kOther;
}

// Anthropic does not count cached tokens among the input's; here all are.
TokenUsage ReadUsage(const LlmJson& usage) {
  const std::uint64_t read = LlmCount(usage, "cache_read_input_tokens");
  const std::uint64_t written = LlmCount(usage, "cache_creation_input_tokens");
  return {
      .input_tokens = LlmCount(usage, "input_tokens") + read + written,
      .cached_input_tokens = read,
      .cache_write_tokens = written,
      .output_tokens = LlmCount(usage, "output_tokens"),
      .reasoning_tokens = LlmCount(LlmMember(usage, "output_tokens_details"), "thinking_tokens"),
      .json = LlmText(usage)};
}

class AnthropicMessages final : public LlmDialect {
 public:
  std::string_view path() const override { return "/v1/messages"; }
  std::string_view endpoint() const override { return "anthropic.messages"; }

  void AddCredential(const std::string& credential, Headers& headers) const override {
    headers.Set("x-api-key", credential);
  }

  Status AddRequest(const LlmRequest& request, LlmJson& body) const override {
    AddSettings(request, body);
    for (Status status : {AddMessages(request, body), WriteTools(request.tools, WriteTool, body),
                          AddOutput(kOutput, request.output, body)}) {
      if (!status.ok()) return status;
    }
    AddEffort(request, body);
    if (request.tool_choice) body["tool_choice"] = WriteToolChoice(*request.tool_choice);
    return Status::Ok();
  }

  void AskForStream(LlmJson& body) const override { body["stream"] = true; }

  void TakeRequest(const LlmJson& body, LlmFields& fields, LlmRequest& request) const override {
    ReadMessages(fields, request);
    ReadSettings(fields, request);
    ReadEffort(fields, request);
    ReadTools(fields, request);
    ReadOutput(kOutput, fields, LlmMember(LlmMember(body, "output_config"), "format"),
               request.output);
  }

  LlmAnswerShape answer_shape() const override { return {"content", "message"}; }

  void TakeAnswer(const LlmJson&, LlmFields& fields, LlmAnswer& answer) const override {
    LlmChoice choice;
    choice.message.role = Role::kAssistant;
    fields.Text("role");
    ReadContent(fields.Structure("content"), choice.message.parts);
    choice.finish_text = fields.Text("stop_reason");
    choice.finish = FinishOf(choice.finish_text);
    const LlmJson usage = fields.Structure("usage");
    if (usage.is_object()) answer.usage = ReadUsage(usage);
    answer.choices.push_back(std::move(choice));
  }

  bool ReadEvent(const Event& event, LlmStreamState& state,
                 const std::function<bool(const LlmEvent&)>& on_event) const override {
    const LlmJson json = LlmParse(event.data);
    const std::string_view type = LlmView(json, "type");
    if (type == "content_block_start") return ReadStart(json, state, on_event);
    const LlmJson delta = LlmMember(json, "delta");
    if (type == "message_delta") {
      const std::string_view reason = LlmView(delta, "stop_reason");
      return reason.empty() || on_event({.kind = LlmEvent::Kind::kFinish, .text = reason});
    }
    const std::size_t index = LlmCount(json, "index");
    const bool others =
        LlmView(delta, "type") == "input_json_delta" && !state.calls.contains(index);
    return type != "content_block_delta" || others || ReadDelta(delta, index, on_event);
  }

 private:
  static bool ReadStart(const LlmJson& json, LlmStreamState& state,
                        const std::function<bool(const LlmEvent&)>& on_event) {
    const LlmJson block = LlmMember(json, "content_block");
    if (LlmView(block, "type") != "tool_use") return true;
    state.calls.insert(LlmCount(json, "index"));
    return on_event({.kind = LlmEvent::Kind::kToolCall,
                     .part = LlmCount(json, "index"),
                     .id = LlmView(block, "id"),
                     .name = LlmView(block, "name")});
  }
  static bool ReadDelta(const LlmJson& delta, std::size_t index,
                        const std::function<bool(const LlmEvent&)>& on_event) {
    struct Known {
      std::string_view type;
      const char* member;
      LlmEvent::Kind kind;
    };
    constexpr Known kKnown[] = {
        {"text_delta", "text", LlmEvent::Kind::kText},
        {"thinking_delta", "thinking", LlmEvent::Kind::kReasoning},
        {"input_json_delta", "partial_json", LlmEvent::Kind::kToolCall},
    };
    for (const Known& known : kKnown) {
      if (LlmView(delta, "type") != known.type) continue;
      const std::string_view text = LlmView(delta, known.member);
      return text.empty() || on_event({.kind = known.kind, .part = index, .text = text});
    }
    return true;
  }
};

}  // namespace

const LlmDialect& AnthropicLlm() {
  static const AnthropicMessages dialect;
  return dialect;
}

}  // namespace larder::client
