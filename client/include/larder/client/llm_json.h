// Requests of a provider's API as types, and back: for programs that have them as JSON.
//
// `dialect` is "openai" (chat completions), "openai-responses" or "anthropic" (messages). What is
// read and written in the same dialect stays the same JSON, whatever it is, but for the form that
// it asks for (`stream`), which is left out, and Anthropic's `max_tokens`, which is put in where
// there is none. Read in one and written in the other, what lies in an `extra` is still the
// first's.
#pragma once

#include <string>
#include <string_view>

#include "larder/client/llm_types.h"
#include "larder/result.h"

namespace larder::client {

// Errors: kInvalidArgument (no such dialect, not a JSON object).
Result<LlmRequest> ReadLlmRequest(std::string_view dialect, std::string_view json);

// Errors: kInvalidArgument (no such dialect, an `extra`, a schema or arguments that are not JSON).
Result<std::string> WriteLlmRequest(std::string_view dialect, const LlmRequest& request);

}  // namespace larder::client
