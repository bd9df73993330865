#include "llm_dialect.h"

#include <utility>
#include <variant>

#include "larder/client/llm_json.h"
#include "llm_fields.h"

namespace larder::client {
namespace {

Result<const LlmDialect*> NamedDialect(std::string_view name) {
  const LlmDialect* dialect = FindLlmDialect(name);
  if (dialect != nullptr) return dialect;
  return Status(StatusCode::kInvalidArgument,
                "`" + std::string(name) +
                    "` is no LLM's dialect: `openai`, `openai-responses` or `anthropic`");
}

}  // namespace

Message Message::Of(Role role, std::string text) {
  Message message;
  message.role = role;
  message.parts.push_back(TextPart{std::move(text)});
  return message;
}

std::string Message::text() const {
  std::string text;
  for (const Part& part : parts) {
    if (const auto* one = std::get_if<TextPart>(&part)) text += one->text;
  }
  return text;
}

const LlmDialect* FindLlmDialect(std::string_view name) {
  if (name == "openai") return &OpenAiLlm();
  if (name == "openai-responses") return &OpenAiResponsesLlm();
  if (name == "anthropic") return &AnthropicLlm();
  return nullptr;
}

Result<LlmJson> LlmDialect::WriteBody(const LlmRequest& request) const {
  LlmJson body = LlmJson::object();
  if (!request.model.empty()) body["model"] = request.model;
  if (Status status = AddRequest(request, body); !status.ok()) return status;
  if (Status status = AddExtra(request.extra, body); !status.ok()) return status;
  return body;
}

Result<std::string> LlmDialect::WriteRequest(const LlmRequest& request, bool stream) const {
  Result<LlmJson> body = WriteBody(request);
  if (!body.ok()) return body.status();
  if (stream) AskForStream(*body);
  return LlmText(*body);
}

Result<LlmRequest> LlmDialect::ReadRequest(std::string_view json) const {
  LlmJson body = LlmParse(json);
  if (!body.is_object()) {
    return Status(StatusCode::kInvalidArgument, "the request is not a JSON object");
  }
  for (const char* form : {"stream", "stream_options"}) body.erase(form);
  LlmRequest request;
  LlmFields fields(body);
  request.model = fields.Word("model");
  TakeRequest(body, fields, request);
  request.extra = fields.Rest();
  KeepWhole(body, WriteBody(request), request.extra);
  return request;
}

Result<LlmAnswer> LlmDialect::ReadAnswer(std::string_view text) const {
  const LlmJson json = LlmParse(text);
  LlmFields fields(json);
  const LlmAnswerShape shape = answer_shape();
  const LlmJson* list = fields.Find(shape.array);
  if (list == nullptr || !list->is_array()) {
    return Status(StatusCode::kDataLoss, std::string("the answer is no ") + shape.noun);
  }
  LlmAnswer answer;
  answer.id = fields.Text("id");
  answer.model = fields.Text("model");
  TakeAnswer(json, fields, answer);
  answer.extra = fields.Rest();
  answer.json = text;
  return answer;
}

Result<LlmRequest> ReadLlmRequest(std::string_view dialect, std::string_view json) {
  const Result<const LlmDialect*> found = NamedDialect(dialect);
  if (!found.ok()) return found.status();
  return (*found)->ReadRequest(json);
}

Result<std::string> WriteLlmRequest(std::string_view dialect, const LlmRequest& request) {
  const Result<const LlmDialect*> found = NamedDialect(dialect);
  if (!found.ok()) return found.status();
  return (*found)->WriteRequest(request, /*stream=*/false);
}

}  // namespace larder::client
