// Requests and answers of the embeddings API.
#pragma once

#include <nlohmann/json.hpp>

#include "larder/client/message.h"

namespace larder::client {

// An item's vector says what the item is; ten tokens each.
nlohmann::json VectorOf(const nlohmann::json& item);
nlohmann::json EmbeddingsAnswer(const nlohmann::json& request);
// `format`: null for a request that says none.
Request EmbeddingsRequest(const nlohmann::json& input, const char* format = "float");

}  // namespace larder::client
