#include "openai_chunks.h"

#include <algorithm>
#include <utility>

#include "answer_json.h"
#include "openai.h"

namespace larder::client {
namespace {

using nlohmann::json;

constexpr std::string_view kDone = "[DONE]";

// As OpenAI has it, DeepSeek, or Mistral.
std::uint64_t CachedTokens(const json& usage, const json& details) {
  if (FindMember(details, "cached_tokens") != nullptr) return CountMember(details, "cached_tokens");
  const bool deepseek = FindMember(usage, "prompt_cache_hit_tokens") != nullptr;
  return CountMember(usage, deepseek ? "prompt_cache_hit_tokens" : "num_cached_tokens");
}

std::optional<Usage> ReadUsage(const json& answer) {
  const json* usage = FindMember(answer, "usage");
  if (usage == nullptr || !usage->is_object()) return std::nullopt;
  Usage read;
  read.input_tokens = CountMember(*usage, "prompt_tokens");
  read.output_tokens = OutputTokens(read.input_tokens, CountMember(*usage, "completion_tokens"),
                                    CountMember(*usage, "total_tokens"));
  const json* found = FindMember(*usage, "prompt_tokens_details");
  const json details = found != nullptr ? *found : json();
  read.cached_input_tokens = CachedTokens(*usage, details);
  read.cache_write_tokens = CountMember(details, "cache_write_tokens");
  return read;
}

// `answer` is whole; may it be stored?
Verdict JudgeAnswer(const ChunkDialect& dialect, const RequestPlan& plan, const StoreRules& rules,
                    const json& answer) {
  Verdict verdict;
  verdict.usage = ReadUsage(answer);
  verdict.model = StringMember(answer, "model");
  const json* choices = FindMember(answer, "choices");
  if (IsSet(answer, "error")) {
    verdict.reason = "error";
    return verdict;
  }
  if (choices == nullptr || !choices->is_array()) {
    verdict.reason = "invalid";
    return verdict;
  }
  for (const json& choice : *choices) {
    const bool error = IsSet(choice, "error") || StringMember(choice, "finish_reason") == "error";
    verdict.reason = error ? "error" : dialect.problem_of(plan, rules, choice);
    if (!verdict.reason.empty()) return verdict;
  }
  verdict.store = std::any_of(choices->begin(), choices->end(), dialect.has_answer);
  if (!verdict.store) verdict.reason = "empty";
  return verdict;
}

// A stream read to its end.
struct ChunkStream {
  ChatAssembler assembler;
  std::string_view problem;  // why it is not one, or ""
  bool done = false;

  bool AllFinished() const { return assembler.finished() == assembler.choices(); }
};

ChunkStream ReadStream(ChunkKind kind, const std::vector<Event>& events) {
  ChunkStream stream{ChatAssembler(kind), "", false};
  AnswerParser parser(kMaxMadeDepth);
  for (const Event& event : events) {
    if (event.data == kDone) {
      stream.done = true;
      break;
    }
    const std::optional<json> chunk = parser.Parse(event.data);
    if (event.name == "error" || (chunk && IsSet(*chunk, "error"))) stream.problem = "error";
    if (!chunk || !chunk->is_object()) {
      if (stream.problem.empty()) stream.problem = parser.problem();
      continue;
    }
    stream.assembler.Add(*chunk);
  }
  return stream;
}

}  // namespace

Verdict ChunkEndpoint::JudgeJson(const RequestPlan& plan, const StoreRules& rules,
                                 std::string_view body) const {
  AnswerParser parser;
  const std::optional<json> answer = parser.Parse(body);
  if (!answer || !answer->is_object()) return {.reason = std::string(parser.problem())};
  return JudgeAnswer(dialect_, plan, rules, *answer);
}

Verdict ChunkEndpoint::JudgeStream(const RequestPlan& plan, const StoreRules& rules,
                                   const std::vector<Event>& events) const {
  ChunkStream stream = ReadStream(dialect_.kind, events);
  const bool all_finished = stream.assembler.choices() >= plan.choices && stream.AllFinished();
  const Result<json> answer = stream.assembler.Take();
  if (!answer.ok()) return {.reason = "invalid"};
  Verdict verdict = JudgeAnswer(dialect_, plan, rules, *answer);
  verdict.has_end_mark = !events.empty() && events.back().data == kDone;
  std::string_view problem = stream.problem;
  if (problem.empty() && !stream.done && !all_finished) problem = "no_end";
  if (!problem.empty()) {
    verdict.store = false;
    verdict.reason = problem;
  }
  return verdict;
}

std::vector<Event> ChunkEndpoint::Normalize(std::vector<Event> events) const {
  return WithoutObfuscation(std::move(events));
}

Result<std::string> ChunkEndpoint::Assemble(const std::vector<Event>& events) const {
  ChunkStream stream = ReadStream(dialect_.kind, events);
  const bool ended = stream.done || stream.AllFinished();
  if (!stream.problem.empty() || stream.assembler.choices() == 0 || !ended) {
    return Status(StatusCode::kDataLoss, "not the stream of a whole answer");
  }
  const Result<json> answer = stream.assembler.Take();
  if (!answer.ok()) return answer.status();
  return DumpJson(*answer);
}

std::optional<std::size_t> ChunkEndpoint::UsageEvent(const std::vector<Event>& events) const {
  for (std::size_t i = events.size(); i > 0; --i) {
    const std::string& data = events[i - 1].data;
    if (data.find("\"usage\"") == std::string::npos) continue;
    const std::optional<json> chunk = ParseAnswer(data, kMaxMadeDepth);
    if (!chunk) continue;
    const json* choices = FindMember(*chunk, "choices");
    const json* usage = FindMember(*chunk, "usage");
    if (choices != nullptr && choices->is_array() && choices->empty() && usage != nullptr &&
        usage->is_object()) {
      return i - 1;
    }
  }
  return std::nullopt;
}

std::vector<Event> WithoutObfuscation(std::vector<Event> events) {
  for (Event& event : events) {
    event.data = WithoutStringMember(std::move(event.data), "obfuscation");
  }
  return events;
}

std::optional<json> ParseChoices(std::string_view body) {
  std::optional<json> answer = ParseAnswer(body);
  const json* choices = answer ? FindMember(*answer, "choices") : nullptr;
  const bool has_choices =
      choices != nullptr && choices->is_array() && !choices->empty() &&
      std::all_of(choices->begin(), choices->end(), [](const json& c) { return c.is_object(); });
  if (!has_choices) return std::nullopt;
  return answer;
}

}  // namespace larder::client
