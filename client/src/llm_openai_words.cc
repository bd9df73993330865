#include "llm_openai_words.h"

namespace larder::client {

LlmJson OpenAiToolChoice(ToolChoice::Kind kind) {
  if (kind == ToolChoice::Kind::kRequired) return "required";
  return kind == ToolChoice::Kind::kNone ? "none" : "auto";
}

std::optional<TokenUsage> ReadOpenAiUsage(LlmFields& fields, const OpenAiUsageNames& names) {
  const LlmJson usage = fields.Structure("usage");
  if (!usage.is_object()) return std::nullopt;
  const LlmJson details = LlmMember(usage, names.input_details);
  return TokenUsage{.input_tokens = LlmCount(usage, names.input),
                    .cached_input_tokens = LlmCount(details, "cached_tokens"),
                    .output_tokens = LlmCount(usage, names.output),
                    .json = LlmText(usage)};
}

}  // namespace larder::client
