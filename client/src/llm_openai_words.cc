#include "llm_openai_words.h"

#include <algorithm>

#include "openai.h"

namespace larder::client {

LlmJson OpenAiToolChoice(ToolChoice::Kind kind) {
  if (kind == ToolChoice::Kind::kRequired) return "required";
  return kind == ToolChoice::Kind::kNone ? "none" : "auto";
}

Status RefuseTokensAlone(const LlmRequest& request) {
  if (!request.reasoning_tokens || !request.reasoning_effort.empty()) return Status::Ok();
  return {StatusCode::kInvalidArgument,
          "OpenAI's APIs take no reasoning_tokens: say reasoning_effort"};
}

std::optional<TokenUsage> ReadOpenAiUsage(LlmFields& fields, const OpenAiUsageNames& names) {
  const LlmJson usage = fields.Structure("usage");
  if (!usage.is_object()) return std::nullopt;
  const LlmJson input = LlmMember(usage, names.input_details);
  // DeepSeek and Mistral have no details.
  const bool detailed = input.is_object() && input.contains("cached_tokens");
  const bool deepseek = usage.contains("prompt_cache_hit_tokens");
  const std::uint64_t prompt = LlmCount(usage, names.input);
  const std::uint64_t said = LlmCount(usage, names.output);
  const std::uint64_t written = OutputTokens(prompt, said, LlmCount(usage, "total_tokens"));
  const LlmJson output = LlmMember(usage, names.output_details);
  return TokenUsage{
      .input_tokens = prompt,
      .cached_input_tokens =
          detailed ? LlmCount(input, "cached_tokens")
                   : LlmCount(usage, deepseek ? "prompt_cache_hit_tokens" : "num_cached_tokens"),
      .cache_write_tokens = LlmCount(input, "cache_write_tokens"),
      .output_tokens = written,
      .reasoning_tokens = std::max(LlmCount(output, "reasoning_tokens"), written - said),
      .json = LlmText(usage)};
}

}  // namespace larder::client
