#include "llm_openai_words.h"

namespace larder::client {

LlmJson OpenAiToolChoice(ToolChoice::Kind kind) {
  if (kind == ToolChoice::Kind::kRequired) return "required";
  return kind == ToolChoice::Kind::kNone ? "none" : "auto";
}

std::optional<TokenUsage> ReadOpenAiUsage(LlmFields& fields, const OpenAiUsageNames& names) {
  const LlmJson usage = fields.Structure("usage");
  if (!usage.is_object()) return std::nullopt;
  const LlmJson input = LlmMember(usage, names.input_details);
  // DeepSeek has no details.
  const bool detailed = input.is_object() && input.contains("cached_tokens");
  return TokenUsage{
      .input_tokens = LlmCount(usage, names.input),
      .cached_input_tokens =
          detailed ? LlmCount(input, "cached_tokens") : LlmCount(usage, "prompt_cache_hit_tokens"),
      .cache_write_tokens = LlmCount(input, "cache_write_tokens"),
      .output_tokens = LlmCount(usage, names.output),
      .reasoning_tokens = LlmCount(LlmMember(usage, names.output_details), "reasoning_tokens"),
      .json = LlmText(usage)};
}

}  // namespace larder::client
