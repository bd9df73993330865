#include "embeddings_exchange.h"

#include <cstddef>

namespace larder::client {

using nlohmann::json;

json VectorOf(const json& item) { return json::array({item.dump().size() + 0.5, 0.25}); }

json EmbeddingsAnswer(const json& request) {
  const json& input = request["input"];
  const json items = input.is_array() ? input : json::array({input});
  json answer = {{"object", "list"}, {"model", "text-embedding-3-small"}, {"data", json::array()}};
  for (std::size_t i = 0; i < items.size(); ++i) {
    answer["data"].push_back(
        {{"object", "embedding"}, {"index", i}, {"embedding", VectorOf(items[i])}});
  }
  answer["usage"] = {{"prompt_tokens", 10 * items.size()}, {"total_tokens", 10 * items.size()}};
  return answer;
}

Request EmbeddingsRequest(const json& input, const char* format) {
  Request request;
  request.target = "/v1/embeddings";
  request.headers = {{"content-type", "application/json"}, {"authorization", "Bearer k"}};
  json body = {{"model", "text-embedding-3-small"}, {"input", input}};
  if (format != nullptr) body["encoding_format"] = format;
  request.body = body.dump();
  return request;
}

}  // namespace larder::client
