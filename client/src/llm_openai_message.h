// A message of OpenAI's chat completions, written and read.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "larder/client/llm_types.h"
#include "larder/result.h"
#include "llm_dialect.h"

namespace larder::client {

const char* OpenAiRoleName(Role role);
// nullopt: no role that is known.
std::optional<Role> ReadOpenAiRole(std::string_view name);

// In which member of a message, or of what a stream adds to one, the reasoning is, if any: OpenAI
// has none, and those who do have "reasoning_content" or, as Groq and OpenRouter, "reasoning".
const char* ChatReasoningField(const LlmJson& message);

// One message, or several: each tool's result is a message of its own.
// Errors: kInvalidArgument (an `extra` or a part that is not JSON).
Result<std::vector<LlmJson>> WriteChatMessages(const Message& message);

// Whatever it is, WriteChatMessages gives it back. Without a role it is the assistant's.
Message ReadChatMessage(const LlmJson& json);

}  // namespace larder::client
