// OpenAI's Responses, written and read.
#include <algorithm>
#include <optional>
#include <utility>

#include "llm_dialect.h"
#include "llm_fields.h"
#include "llm_openai_words.h"
#include "llm_output.h"
#include "llm_responses_items.h"
#include "llm_tools.h"

namespace larder::client {
namespace {

LlmJson WriteToolChoice(const ToolChoice& choice) {
  if (choice.kind != ToolChoice::Kind::kNamed) return OpenAiToolChoice(choice.kind);
  return {{"type", "function"}, {"name", choice.name}};
}

Result<LlmJson> WriteTool(const Tool& tool) {
  Result<LlmJson> written = WriteFunction(tool, "parameters");
  if (written.ok() && !written->contains("type")) (*written)["type"] = "function";
  return written;
}

Tool ReadTool(const LlmJson& json) {
  LlmFields fields(json);
  if (LlmView(json, "type") == "function") fields.Drop("type");
  return ReadFunction(std::move(fields), "parameters");
}

constexpr OutputPlace kOutput = {"text", [](const OutputSchema& output, LlmJson schema) -> LlmJson {
                                   return {{"format",
                                            {{"type", "json_schema"},
                                             {"name", output.name},
                                             {"schema", std::move(schema)},
                                             {"strict", true}}}};
                                 }};

Status AddSettings(const LlmRequest& request, LlmJson& body) {
  if (!request.stop.empty()) {
    return {StatusCode::kInvalidArgument, "the Responses API has no stop sequences"};
  }
  if (Status status = RefuseTokensAlone(request); !status.ok()) return status;
  if (request.max_output_tokens) body["max_output_tokens"] = *request.max_output_tokens;
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.top_p) body["top_p"] = *request.top_p;
  if (!request.reasoning_effort.empty()) body["reasoning"]["effort"] = request.reasoning_effort;
  return Status::Ok();
}

void ReadSettings(LlmFields& fields, LlmRequest& request) {
  request.max_output_tokens = fields.Integer("max_output_tokens");
  request.temperature = fields.Number("temperature");
  request.top_p = fields.Number("top_p");
  LlmFields reasoning(fields.Structure("reasoning"));
  request.reasoning_effort = reasoning.Word("effort");
  if (!reasoning.empty()) fields.Return("reasoning", LlmParse(reasoning.Rest()));
}

bool IsPlainQuestion(const LlmRequest& request) {
  if (request.messages.size() != 1) return false;
  const Message& only = request.messages.front();
  const auto* text = only.parts.size() == 1 ? std::get_if<TextPart>(&only.parts.front()) : nullptr;
  return only.role == Role::kUser && only.extra.empty() && text != nullptr && text->extra.empty();
}

// A lone question is written as the text that it is, as everybody does.
Status AddInput(const LlmRequest& request, LlmJson& body) {
  if (IsPlainQuestion(request)) {
    body["input"] = request.messages.front().text();
    return Status::Ok();
  }
  for (const Message& message : request.messages) {
    Result<std::vector<LlmJson>> items = WriteResponseItems(message);
    if (!items.ok()) return items.status();
    for (LlmJson& item : *items) body["input"].push_back(std::move(item));
  }
  return Status::Ok();
}

void ReadInput(LlmFields& fields, LlmRequest& request) {
  const LlmJson* input = fields.Find("input");
  if (input != nullptr && input->is_string()) {
    request.messages = {Message::Of(Role::kUser, fields.Text("input"))};
    return;
  }
  for (const LlmJson& item : fields.Objects("input")) {
    request.messages.push_back(ReadResponseItem(item));
  }
  // A lone question that is a list says its role again, so that it is written as a list.
  if (IsPlainQuestion(request)) request.messages.front().extra = R"({"role":"user"})";
}

// Why it ended, in the provider's word.
std::string FinishText(const LlmJson& response) {
  const LlmJson details = LlmMember(response, "incomplete_details");
  const std::string_view reason = LlmView(details, "reason");
  return std::string(reason.empty() ? LlmView(response, "status") : reason);
}

FinishReason FinishOf(std::string_view text, const Message& message) {
  const auto has = [&message](auto is_kind) {
    return std::any_of(message.parts.begin(), message.parts.end(), is_kind);
  };
  if (text == "max_output_tokens") return FinishReason::kLength;
  if (text == "content_filter") return FinishReason::kContentFilter;
  if (text != "completed") return FinishReason::kOther;
  if (has([](const Part& part) { return std::holds_alternative<ToolCallPart>(part); })) {
    return FinishReason::kToolCalls;
  }
  if (has([](const Part& part) { return std::holds_alternative<RefusalPart>(part); })) {
    return FinishReason::kRefusal;
  }
  return FinishReason::kStop;
}

constexpr OpenAiUsageNames kUsage = {"input_tokens", "input_tokens_details", "output_tokens",
                                     "output_tokens_details"};

// What an event of this type adds, in its `delta`.
std::optional<LlmEvent::Kind> KindOfDelta(std::string_view type) {
  if (type == "response.output_text.delta") return LlmEvent::Kind::kText;
  if (type == "response.refusal.delta") return LlmEvent::Kind::kRefusal;
  if (type == "response.function_call_arguments.delta") return LlmEvent::Kind::kToolCall;
  if (type == "response.reasoning_summary_text.delta" || type == "response.reasoning_text.delta") {
    return LlmEvent::Kind::kReasoning;
  }
  return std::nullopt;
}

class OpenAiResponses final : public LlmDialect {
 public:
  std::string_view path() const override { return "/v1/responses"; }
  std::string_view endpoint() const override { return "openai.responses"; }

  void AddCredential(const std::string& credential, Headers& headers) const override {
    OpenAiLlm().AddCredential(credential, headers);
  }

  Status AddRequest(const LlmRequest& request, LlmJson& body) const override {
    for (Status status :
         {AddInput(request, body), AddSettings(request, body),
          WriteTools(request.tools, WriteTool, body), AddOutput(kOutput, request.output, body)}) {
      if (!status.ok()) return status;
    }
    if (request.tool_choice) body["tool_choice"] = WriteToolChoice(*request.tool_choice);
    return Status::Ok();
  }

  void AskForStream(LlmJson& body) const override { body["stream"] = true; }

  void TakeRequest(const LlmJson& body, LlmFields& fields, LlmRequest& request) const override {
    ReadInput(fields, request);
    ReadSettings(fields, request);
    ReadTools(fields, ReadTool, WriteTool, request.tools);
    const LlmJson* choice = fields.Find("tool_choice");
    const LlmJson named = choice != nullptr ? *choice : LlmJson();
    ReadToolChoice(fields, LlmView(named, "name"), WriteToolChoice, request.tool_choice);
    ReadOutput(kOutput, fields, LlmMember(LlmMember(body, "text"), "format"), request.output);
  }

  LlmAnswerShape answer_shape() const override { return {"output", "response"}; }

  void TakeAnswer(const LlmJson& json, LlmFields& fields, LlmAnswer& answer) const override {
    LlmChoice choice;
    choice.message = ReadResponseOutput(fields.Structure("output"));
    choice.finish_text = FinishText(json);
    choice.finish = FinishOf(choice.finish_text, choice.message);
    answer.choices.push_back(std::move(choice));
    answer.usage = ReadOpenAiUsage(fields, kUsage);
  }

  bool ReadEvent(const Event& event, LlmStreamState&,
                 const std::function<bool(const LlmEvent&)>& on_event) const override {
    const LlmJson json = LlmParse(event.data);
    const std::string_view type = LlmView(json, "type");
    const std::size_t part = LlmCount(json, "output_index");
    const std::optional<LlmEvent::Kind> kind = KindOfDelta(type);
    const std::string_view delta = LlmView(json, "delta");
    if (kind) return delta.empty() || on_event({.kind = *kind, .part = part, .text = delta});
    if (type == "response.reasoning_summary_part.added" && LlmCount(json, "summary_index") > 0) {
      return on_event({.kind = LlmEvent::Kind::kReasoning, .part = part, .text = "\n\n"});
    }
    if (type == "response.output_item.added") {
      const LlmJson item = LlmMember(json, "item");
      if (LlmView(item, "type") != "function_call") return true;
      return on_event({.kind = LlmEvent::Kind::kToolCall,
                       .part = part,
                       .text = LlmView(item, "arguments"),
                       .id = LlmView(item, "call_id"),
                       .name = LlmView(item, "name")});
    }
    if (type != "response.completed" && type != "response.incomplete") return true;
    const std::string finish = FinishText(LlmMember(json, "response"));
    return finish.empty() || on_event({.kind = LlmEvent::Kind::kFinish, .text = finish});
  }
};

}  // namespace

const LlmDialect& OpenAiResponsesLlm() {
  static const OpenAiResponses dialect;
  return dialect;
}

}  // namespace larder::client
