// The openai dialect: one endpoint a file, `openai_<endpoint>.cc`.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dialect.h"

namespace larder::client {

const Dialect& OpenAiDialect();

const Endpoint& OpenAiChat();         // .../chat/completions
const Endpoint& OpenAiCompletions();  // .../completions, the legacy ones
const Endpoint& OpenAiResponses();    // .../responses
const Endpoint& OpenAiEmbeddings();   // .../embeddings

// What an answer wrote, by its usage. Gemini and xAI count reasoning, which they charge as output,
// in the total alone.
inline std::uint64_t OutputTokens(std::uint64_t input, std::uint64_t output, std::uint64_t total) {
  return std::max(output, total - std::min(input, total));
}

}  // namespace larder::client
