// What OpenAI's chat completions and Responses say alike.
#pragma once

#include <optional>

#include "larder/client/llm_types.h"
#include "larder/result.h"
#include "llm_dialect.h"
#include "llm_fields.h"

namespace larder::client {

// Any choice but a named one.
LlmJson OpenAiToolChoice(ToolChoice::Kind kind);

struct OpenAiUsageNames {
  const char* input;
  const char* input_details;
  const char* output;
  const char* output_details;
};

// Errors: kInvalidArgument (reasoning in tokens, which OpenAI has no word for, and in nothing
// else).
Status RefuseTokensAlone(const LlmRequest& request);

// Takes the answer's usage out of `fields`; nullopt if it tells none.
std::optional<TokenUsage> ReadOpenAiUsage(LlmFields& fields, const OpenAiUsageNames& names);

}  // namespace larder::client
