#include "llm_embeddings.h"

#include <utility>

#include "llm_fields.h"

namespace larder::client {

Result<std::string> WriteEmbeddingRequest(const EmbeddingRequest& request) {
  const bool tokens = !request.token_inputs.empty();
  if (!tokens && request.inputs.empty()) {
    return Status(StatusCode::kInvalidArgument, "an embedding request without input");
  }
  if (tokens && !request.inputs.empty()) {
    return Status(StatusCode::kInvalidArgument, "an embedding request with texts and with tokens");
  }
  const LlmJson input = tokens ? LlmJson(request.token_inputs) : LlmJson(request.inputs);
  LlmJson body = {{"model", request.model}, {"input", input}, {"encoding_format", "float"}};
  if (request.dimensions) body["dimensions"] = *request.dimensions;
  if (Status status = AddExtra(request.extra, body); !status.ok()) return status;
  return LlmText(body);
}

Result<EmbeddingAnswer> ReadEmbeddingAnswer(std::string_view text, std::size_t count) {
  const Status broken(StatusCode::kDataLoss, "the answer has not one vector for each input");
  const LlmJson json = LlmParse(text);
  if (!json.is_object()) return broken;
  const LlmJson data = json.value("data", LlmJson());
  if (!data.is_array() || data.size() != count) return broken;
  EmbeddingAnswer answer;
  answer.model = LlmView(json, "model");
  answer.vectors.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const LlmJson& item = data[i];
    const std::size_t index = item.contains("index") ? LlmCount(item, "index") : i;
    const LlmJson vector = item.is_object() ? item.value("embedding", LlmJson()) : LlmJson();
    if (index >= count || !vector.is_array() || vector.empty()) return broken;
    if (!answer.vectors[index].empty()) return broken;
    for (const LlmJson& number : vector) {
      if (!number.is_number()) return broken;
      answer.vectors[index].push_back(number.get<float>());
    }
  }
  const LlmJson usage = json.value("usage", LlmJson());
  if (usage.is_object()) {
    const char* name = usage.contains("prompt_tokens") ? "prompt_tokens" : "total_tokens";
    answer.usage = TokenUsage{.input_tokens = LlmCount(usage, name), .json = LlmText(usage)};
  }
  answer.json = text;
  return answer;
}

}  // namespace larder::client
