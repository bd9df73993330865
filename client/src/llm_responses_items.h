// The items of OpenAI's Responses API, of which its input and its output are lists.
#pragma once

#include <vector>

#include "larder/client/llm_types.h"
#include "larder/result.h"
#include "llm_dialect.h"

namespace larder::client {

// One message is one item or several: calls, results and thoughts are items of their own.
// Errors: kInvalidArgument (an `extra` or a part that is not JSON).
Result<std::vector<LlmJson>> WriteResponseItems(const Message& message);

// Whatever it is, WriteResponseItems gives it back as the one item that it is.
Message ReadResponseItem(const LlmJson& item);

// All that an answer's items say, as one message of the assistant.
Message ReadResponseOutput(const LlmJson& items);

}  // namespace larder::client
