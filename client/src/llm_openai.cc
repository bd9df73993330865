// OpenAI's chat completions, written and read.
#include <utility>

#include "llm_dialect.h"
#include "llm_fields.h"
#include "llm_openai_message.h"
#include "llm_openai_words.h"
#include "llm_output.h"
#include "llm_tools.h"

namespace larder::client {
namespace {

LlmJson WriteToolChoice(const ToolChoice& choice) {
  if (choice.kind != ToolChoice::Kind::kNamed) return OpenAiToolChoice(choice.kind);
  return {{"type", "function"}, {"function", {{"name", choice.name}}}};
}

Result<LlmJson> WriteTool(const Tool& tool) {
  Result<LlmJson> function = WriteFunction(tool, "parameters");
  if (!function.ok()) return function.status();
  return LlmJson{{"type", "function"}, {"function", *std::move(function)}};
}

Tool ReadTool(const LlmJson& json) {
  return ReadFunction(LlmFields(LlmFields(json).Structure("function")), "parameters");
}

void ReadTools(LlmFields& fields, LlmRequest& request) {
  ReadTools(fields, ReadTool, WriteTool, request.tools);
  const LlmJson* choice = fields.Find("tool_choice");
  const LlmJson function = choice != nullptr ? LlmMember(*choice, "function") : LlmJson();
  ReadToolChoice(fields, LlmView(function, "name"), WriteToolChoice, request.tool_choice);
}

constexpr OutputPlace kOutput = {
    "response_format", [](const OutputSchema& output, LlmJson schema) -> LlmJson {
      return {{"type", "json_schema"},
              {"json_schema",
               {{"name", output.name}, {"schema", std::move(schema)}, {"strict", true}}}};
    }};

Status AddSettings(const LlmRequest& request, LlmJson& body) {
  if (Status status = RefuseTokensAlone(request); !status.ok()) return status;
  if (request.max_output_tokens) body["max_completion_tokens"] = *request.max_output_tokens;
  if (request.temperature) body["temperature"] = *request.temperature;
  if (request.top_p) body["top_p"] = *request.top_p;
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (!request.reasoning_effort.empty()) body["reasoning_effort"] = request.reasoning_effort;
  return Status::Ok();
}

void ReadSettings(LlmFields& fields, LlmRequest& request) {
  request.max_output_tokens = fields.Integer("max_completion_tokens");
  request.temperature = fields.Number("temperature");
  request.top_p = fields.Number("top_p");
  request.stop = fields.Words("stop");
  request.reasoning_effort = fields.Word("reasoning_effort");
}

FinishReason FinishOf(std::string_view text) {
  if (text == "stop") return FinishReason::kStop;
  if (text == "length") return FinishReason::kLength;
  if (text == "tool_calls" || text == "function_call") return FinishReason::kToolCalls;
  if (text == "content_filter") return FinishReason::kContentFilter;
  return FinishReason::kOther;
}

LlmChoice ReadChoice(const LlmJson& json) {
  LlmChoice choice;
  LlmFields fields(json);
  choice.message = ReadChatMessage(fields.Structure("message"));
  choice.finish_text = fields.Text("finish_reason");
  choice.finish = FinishOf(choice.finish_text);
  choice.extra = fields.Rest();
  return choice;
}

constexpr OpenAiUsageNames kUsage = {"prompt_tokens", "prompt_tokens_details", "completion_tokens",
                                     "completion_tokens_details"};

// What one choice of a chunk adds.
class DeltaReader {
 public:
  DeltaReader(const LlmJson& choice, const std::function<bool(const LlmEvent&)>& on_event)
      : delta_(choice.value("delta", LlmJson())),
        finish_(LlmView(choice, "finish_reason")),
        index_(LlmCount(choice, "index")),
        on_event_(on_event) {}

  bool Read() {
    const std::string_view thought = LlmView(delta_, ChatReasoningField(delta_));
    if (!Say(LlmEvent::Kind::kReasoning, thought)) return false;
    if (!Say(LlmEvent::Kind::kText, LlmView(delta_, "content"))) return false;
    if (!Say(LlmEvent::Kind::kRefusal, LlmView(delta_, "refusal"))) return false;
    const auto calls = delta_.is_object() ? delta_.find("tool_calls") : delta_.end();
    if (delta_.is_object() && calls != delta_.end()) {
      for (const LlmJson& call : *calls) {
        if (!SayCall(call)) return false;
      }
    }
    return Say(LlmEvent::Kind::kFinish, finish_);
  }

 private:
  bool Say(LlmEvent::Kind kind, std::string_view text) const {
    if (text.empty()) return true;
    return on_event_({.kind = kind, .choice = index_, .text = text});
  }
  bool SayCall(const LlmJson& call) const {
    const LlmJson function = call.is_object() ? call.value("function", LlmJson()) : LlmJson();
    return on_event_({.kind = LlmEvent::Kind::kToolCall,
                      .choice = index_,
                      .part = LlmCount(call, "index"),
                      .text = LlmView(function, "arguments"),
                      .id = LlmView(call, "id"),
                      .name = LlmView(function, "name")});
  }

  const LlmJson delta_;
  const std::string_view finish_;
  const std::size_t index_;
  const std::function<bool(const LlmEvent&)>& on_event_;
};

class OpenAiChat final : public LlmDialect {
 public:
  std::string_view path() const override { return "/v1/chat/completions"; }
  std::string_view endpoint() const override { return "openai.chat"; }

  void AddCredential(const std::string& credential, Headers& headers) const override {
    headers.Set("authorization", "Bearer " + credential);
  }

  Status AddRequest(const LlmRequest& request, LlmJson& body) const override {
    for (const Message& message : request.messages) {
      Result<std::vector<LlmJson>> written = WriteChatMessages(message);
      if (!written.ok()) return written.status();
      for (LlmJson& one : *written) body["messages"].push_back(std::move(one));
    }
    for (Status status : {AddSettings(request, body), WriteTools(request.tools, WriteTool, body),
                          AddOutput(kOutput, request.output, body)}) {
      if (!status.ok()) return status;
    }
    if (request.tool_choice) body["tool_choice"] = WriteToolChoice(*request.tool_choice);
    return Status::Ok();
  }

  void AskForStream(LlmJson& body) const override {
    body["stream"] = true;
    if (!body.contains("stream_options")) body["stream_options"] = {{"include_usage", true}};
  }

  void TakeRequest(const LlmJson& body, LlmFields& fields, LlmRequest& request) const override {
    for (const LlmJson& message : fields.Objects("messages")) {
      request.messages.push_back(ReadChatMessage(message));
    }
    ReadSettings(fields, request);
    ReadTools(fields, request);
    ReadOutput(kOutput, fields, LlmMember(LlmMember(body, "response_format"), "json_schema"),
               request.output);
  }

  LlmAnswerShape answer_shape() const override { return {"choices", "chat completion"}; }

  void TakeAnswer(const LlmJson&, LlmFields& fields, LlmAnswer& answer) const override {
    for (const LlmJson& choice : fields.Structure("choices")) {
      answer.choices.push_back(ReadChoice(choice));
    }
    answer.usage = ReadOpenAiUsage(fields, kUsage);
  }

  bool ReadEvent(const Event& event, LlmStreamState&,
                 const std::function<bool(const LlmEvent&)>& on_event) const override {
    const LlmJson json = LlmParse(event.data);
    if (!json.is_object() || !json.contains("choices")) return true;
    for (const LlmJson& choice : json["choices"]) {
      if (choice.is_object() && !DeltaReader(choice, on_event).Read()) return false;
    }
    return true;
  }
};

}  // namespace

const LlmDialect& OpenAiLlm() {
  static const OpenAiChat dialect;
  return dialect;
}

}  // namespace larder::client
