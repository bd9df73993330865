// What a model is asked and what it answers, without regard to who provides it.
//
// Nothing is lost: what has no place of its own here stays as JSON text beside what has
// (`extra`: an object, such as {"logprobs": true}; empty = nothing), on the way there and back.
// Written, `extra` is merged in last and wins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "larder/client/cache_status.h"

namespace larder::client {

enum class Role { kSystem, kDeveloper, kUser, kAssistant, kTool };

struct TextPart {
  std::string text;
  std::string extra = {};
};

struct ImagePart {
  std::string url;  // "https://..." or "data:image/png;base64,..."
  std::string extra = {};
};

// The model wants a tool called.
struct ToolCallPart {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text
  std::string extra = {};
};

// What a tool answered; in a message of the role kTool.
struct ToolResultPart {
  std::string call_id;
  std::string text;
  std::string extra = {};
};

// What the model thought. Hand it back as it came: the signature belongs to the text.
struct ReasoningPart {
  std::string text;
  std::string signature = {};
  std::string extra = {};
  // Chat completions: the member that it came in, "reasoning"; empty = "reasoning_content".
  std::string field = {};
};

struct RefusalPart {
  std::string text;
  std::string extra = {};
};

// A part of a kind that is not known here, as the provider writes it.
struct OtherPart {
  std::string json;
  bool is_tool_call = false;  // it stands where OpenAI has tool calls, not content
};

using Part = std::variant<TextPart, ImagePart, ToolCallPart, ToolResultPart, ReasoningPart,
                          RefusalPart, OtherPart>;

struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;
  std::string extra = {};

  // A message of one text.
  static Message Of(Role role, std::string text);
  // All texts in it, one after the other.
  std::string text() const;
};

struct Tool {
  std::string name;  // empty: a tool of the provider's own, which `extra` describes
  std::string description = {};
  std::string parameters = {};  // JSON Schema; empty = none
  std::string extra = {};
};

struct ToolChoice {
  enum class Kind { kAuto, kNone, kRequired, kNamed };
  Kind kind = Kind::kAuto;
  std::string name = {};  // kNamed
};

// The answer's text is to be JSON of this schema.
struct OutputSchema {
  std::string name;
  std::string schema;  // JSON Schema
};

struct LlmRequest {
  std::string model;
  std::vector<Message> messages;
  std::vector<Tool> tools = {};
  std::optional<ToolChoice> tool_choice = {};
  std::optional<OutputSchema> output = {};
  std::optional<std::int64_t> max_output_tokens = {};
  std::optional<double> temperature = {};
  std::optional<double> top_p = {};
  std::vector<std::string> stop = {};
  // How much to reason: in a word ("low", "medium", "high"), or in tokens, which only Anthropic
  // takes. With both, OpenAI takes the word and Anthropic the tokens; kInvalidArgument where OpenAI
  // would get tokens alone.
  std::string reasoning_effort = {};
  std::optional<std::int64_t> reasoning_tokens = {};
  std::string extra = {};  // further fields of the provider's body; they come last, and win
};

enum class FinishReason { kStop, kLength, kToolCalls, kContentFilter, kRefusal, kOther };

struct TokenUsage {
  std::uint64_t input_tokens = 0;         // all, cached ones included
  std::uint64_t cached_input_tokens = 0;  // of which read from the provider's prompt cache
  std::uint64_t cache_write_tokens = 0;   // ... and written to it
  std::uint64_t output_tokens = 0;        // all that it charges for
  std::uint64_t reasoning_tokens = 0;     // of which spent on reasoning; 0 also if it says nothing
  std::string json = {};                  // as the provider writes it
};

struct LlmChoice {
  Message message;
  FinishReason finish = FinishReason::kOther;
  std::string finish_text = {};  // as the provider calls it
  std::string extra = {};
};

struct LlmAnswer {
  std::string id;
  std::string model;
  std::vector<LlmChoice> choices;
  std::optional<TokenUsage> usage;
  std::string extra = {};
  std::string json = {};  // the whole answer as the provider writes it
  CacheOutcome cache = {};

  // The first choice's text.
  std::string text() const { return choices.empty() ? "" : choices.front().message.text(); }
};

// A piece of an answer on its way. The views are valid during the callback.
struct LlmEvent {
  enum class Kind {
    kText,       // text
    kReasoning,  // text
    kRefusal,    // text
    kToolCall,   // id and name with its first piece; then text is a piece of its arguments
    kFinish,     // text is the provider's word for why
  };
  Kind kind = Kind::kText;
  std::size_t choice = 0;
  std::size_t part = 0;  // which tool call, or block, of the choice
  std::string_view text = {};
  std::string_view id = {};
  std::string_view name = {};
};

// Its inputs are texts, or lists of the model's tokens: one of the two.
struct EmbeddingRequest {
  std::string model;
  std::vector<std::string> inputs = {};
  std::vector<std::vector<std::int64_t>> token_inputs = {};
  std::optional<std::int64_t> dimensions = {};
  std::string extra = {};
};

struct EmbeddingAnswer {
  std::string model;
  std::vector<std::vector<float>> vectors;  // as many as inputs, in their order
  std::optional<TokenUsage> usage;
  std::string json = {};
  CacheOutcome cache = {};
};

}  // namespace larder::client
