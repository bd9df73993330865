// OpenAI's embeddings, written and read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "larder/client/llm_types.h"
#include "larder/result.h"

namespace larder::client {

// Errors: kInvalidArgument (no input, both kinds of it, an `extra` that is no object).
Result<std::string> WriteEmbeddingRequest(const EmbeddingRequest& request);
// Errors: kDataLoss (not `count` vectors of numbers).
Result<EmbeddingAnswer> ReadEmbeddingAnswer(std::string_view json, std::size_t count);

}  // namespace larder::client
