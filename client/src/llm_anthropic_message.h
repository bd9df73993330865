// The content of Anthropic's messages, written and read.
#pragma once

#include "larder/client/llm_types.h"
#include "larder/result.h"
#include "llm_dialect.h"

namespace larder::client {

// The content of all of them together: a list of blocks, or a lone text as itself.
// Errors: kInvalidArgument (an `extra`, arguments or a part that is not JSON).
Result<LlmJson> WriteContent(const std::vector<const Message*>& messages);

// Appends the parts of `content`: a text or a list of blocks.
void ReadContent(const LlmJson& content, std::vector<Part>& parts);

// Errors: as WriteContent.
Result<LlmJson> WriteMessage(const Message& message);

// Whatever it is, WriteMessage gives it back.
Message ReadMessage(const LlmJson& json);

}  // namespace larder::client
