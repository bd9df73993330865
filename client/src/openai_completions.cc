// Legacy completions, .../completions.
#include <nlohmann/json.hpp>
#include <utility>

#include "answer_json.h"
#include "answer_patch.h"
#include "openai.h"
#include "openai_chunks.h"
#include "request_plan.h"
#include "text_pieces.h"

namespace larder::client {
namespace {

using nlohmann::json;

constexpr std::string_view kIgnored[] = {
    "stream",           "stream_options",         "user",         "safety_identifier", "metadata",
    "prompt_cache_key", "prompt_cache_retention", "service_tier",
};

std::string_view ChoiceProblem(const RequestPlan& plan, const StoreRules& rules,
                               const json& choice) {
  const std::string_view finish = StringMember(choice, "finish_reason");
  const json* text = FindMember(choice, "text");
  if (finish == "content_filter" && !rules.content_filter) return "content_filter";
  if (text == nullptr || !text->is_string()) return "invalid";
  return finish == "length" && IsUnwantedlyTruncated(plan, rules) ? "truncated" : "";
}

bool HasAnswer(const json& choice) { return HasSomething(choice, "text"); }

constexpr ChunkDialect kCompletions = {ChunkKind::kText, &ChoiceProblem, &HasAnswer};

// Several prompts get their choices each. A list of numbers is one prompt, in tokens.
std::uint64_t CountPrompts(const CanonicalObject& object) {
  const auto text = object.Find("prompt");
  if (!text) return 1;
  const json prompt = json::parse(*text, nullptr, false);
  const bool several = prompt.is_array() && !prompt.empty() && !prompt.front().is_number();
  return several ? prompt.size() : 1;
}

// The members of all chunks, the text in pieces; all else of a choice comes with its last chunk.
class Splitter {
 public:
  explicit Splitter(const json& answer) : answer_(answer) {}

  Result<std::vector<Event>> Split() {
    base_ = answer_;
    base_.erase("choices");
    base_.erase(kPatchMember);
    const json* usage = FindMember(answer_, "usage");
    const bool has_usage = usage != nullptr && usage->is_object();
    if (has_usage) base_["usage"] = nullptr;
    const json& choices = answer_["choices"];
    for (std::size_t i = 0; i < choices.size(); ++i) SplitChoice(choices[i], i);
    if (has_usage) said_.Add({{"usage", *usage}});
    const Result<json> said = said_.Take();
    if (!said.ok()) return said.status();
    // In the last chunk that everyone gets; that with the usage is left out for some.
    AddPatch(*said, answer_, events_.back().data);
    if (has_usage) {
      json chunk = base_;
      chunk["choices"] = json::array();
      chunk["usage"] = *usage;
      events_.push_back({"", DumpJson(chunk)});
    }
    events_.push_back({"", "[DONE]"});
    return std::move(events_);
  }

 private:
  void Emit(json choice) {
    json chunk = base_;
    chunk["choices"] = json::array({std::move(choice)});
    said_.Add(chunk);
    events_.push_back({"", DumpJson(chunk)});
  }

  void SplitChoice(const json& choice, std::size_t position) {
    const json* found = FindMember(choice, "index");
    const json index = found != nullptr && found->is_number_integer() ? *found : json(position);
    std::string_view text = StringMember(choice, "text");
    while (PieceSize(text) < text.size()) {
      const std::size_t size = PieceSize(text);
      Emit({{"index", index},
            {"text", text.substr(0, size)},
            {"logprobs", nullptr},
            {"finish_reason", nullptr}});
      text.remove_prefix(size);
    }
    json last = choice;
    last["index"] = index;
    last["text"] = text;
    Emit(std::move(last));
  }

  const json& answer_;
  json base_;
  ChatAssembler said_{ChunkKind::kText};
  std::vector<Event> events_;
};

class CompletionsEndpoint final : public ChunkEndpoint {
 public:
  CompletionsEndpoint() : ChunkEndpoint(kCompletions) {}

  std::string_view name() const override { return "openai.completions"; }

  RequestPlan Plan(std::string_view body) const override {
    PlannedBody planned = PlanBody(*this, body, kIgnored, {});
    if (!planned.ok()) return planned.plan;
    ReadChatOptions(planned.object, planned.plan);
    planned.plan.limited = true;  // there is always a limit, 16 tokens by default
    const std::uint64_t each = planned.plan.choices;
    planned.plan.choices = each * CountPrompts(planned.object);
    return planned.Take();
  }
  Result<std::vector<Event>> Split(std::string_view body) const override {
    const std::optional<json> answer = ParseChoices(body);
    if (!answer) return Status(StatusCode::kDataLoss, "not the answer of a completion");
    return Splitter(*answer).Split();
  }
};

}  // namespace

const Endpoint& OpenAiCompletions() {
  static const CompletionsEndpoint endpoint;
  return endpoint;
}

}  // namespace larder::client
