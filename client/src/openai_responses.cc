// Responses, .../responses.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "answer_json.h"
#include "openai.h"
#include "openai_chunks.h"
#include "openai_responses_split.h"
#include "request_plan.h"

namespace larder::client {
namespace {

using nlohmann::json;

// They echo their parameters in the answer, so that nearly all of them belong to the key.
constexpr std::string_view kIgnored[] = {"stream", "stream_options"};
constexpr std::string_view kLimits[] = {"max_output_tokens"};

// Tools whose results come from the caller, or from the request alone.
bool IsClientSide(std::string_view type) {
  constexpr std::string_view kTypes[] = {"function",    "custom",     "namespace",
                                         "local_shell", "computer",   "computer_use_preview",
                                         "apply_patch", "tool_search"};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

// A template without a version is whatever its newest version says.
bool HasUnversionedPrompt(const CanonicalObject& object) {
  const auto text = object.Find("prompt");
  if (!text || *text == "null") return false;
  return !IsSet(json::parse(*text, nullptr, false), "version");
}

bool IsStateful(const CanonicalObject& object) {
  return IsGiven(object, "previous_response_id") || IsGiven(object, "conversation") ||
         object.Find("background") == "true" || HasUnversionedPrompt(object) ||
         HasHostedTool(object, &IsClientSide);
}

std::optional<Usage> ReadUsage(const json& answer) {
  const json* usage = FindMember(answer, "usage");
  if (usage == nullptr || !usage->is_object()) return std::nullopt;
  Usage read;
  read.input_tokens = CountMember(*usage, "input_tokens");
  read.output_tokens = OutputTokens(read.input_tokens, CountMember(*usage, "output_tokens"),
                                    CountMember(*usage, "total_tokens"));
  if (const json* details = FindMember(*usage, "input_tokens_details"); details != nullptr) {
    read.cached_input_tokens = CountMember(*details, "cached_tokens");
    read.cache_write_tokens = CountMember(*details, "cache_write_tokens");
  }
  return read;
}

bool IsRefusal(const json& part) { return StringMember(part, "type") == "refusal"; }

bool HasRefusal(const json& item) {
  const json* content = FindMember(item, "content");
  return content != nullptr && content->is_array() &&
         std::any_of(content->begin(), content->end(), &IsRefusal);
}

bool SaysSomething(const json& item) {
  const std::string_view type = StringMember(item, "type");
  if (type == "message") {
    const json* content = FindMember(item, "content");
    return content != nullptr && content->is_array() &&
           std::any_of(content->begin(), content->end(), [](const json& part) {
             return StringMember(part, "type") != "output_text" || HasSomething(part, "text");
           });
  }
  if (type != "reasoning") return item.is_object();
  return HasSomething(item, "summary") || HasSomething(item, "content") ||
         HasSomething(item, "encrypted_content");
}

// Why the answer's status keeps it out of the store, or "".
std::string_view StatusProblem(const RequestPlan& plan, const StoreRules& rules,
                               const json& answer) {
  const std::string_view status = StringMember(answer, "status");
  if (status == "failed" || status == "cancelled") return "error";
  if (status == "queued" || status == "in_progress") return "no_end";
  if (status != "incomplete") return "";
  const json* details = FindMember(answer, "incomplete_details");
  const std::string_view why = details != nullptr ? StringMember(*details, "reason") : "";
  if (why == "content_filter") return rules.content_filter ? "" : "content_filter";
  if (!rules.incomplete) return "incomplete";
  return why == "max_output_tokens" && IsUnwantedlyTruncated(plan, rules) ? "truncated" : "";
}

Verdict JudgeAnswer(const RequestPlan& plan, const StoreRules& rules, const json& answer) {
  Verdict verdict;
  verdict.usage = ReadUsage(answer);
  verdict.model = StringMember(answer, "model");
  const json* output = FindMember(answer, "output");
  if (IsSet(answer, "error")) {
    verdict.reason = "error";
    return verdict;
  }
  verdict.reason =
      output == nullptr || !output->is_array() ? "invalid" : StatusProblem(plan, rules, answer);
  if (!verdict.reason.empty()) return verdict;
  for (const json& item : *output) {
    if (HasRefusal(item) && !rules.refusals) verdict.reason = "refusal";
    if (IsGarbled(StringMember(item, "arguments"))) verdict.reason = "bad_arguments";
    if (!verdict.reason.empty()) return verdict;
  }
  verdict.store = std::any_of(output->begin(), output->end(), &SaysSomething);
  if (!verdict.store) verdict.reason = "empty";
  return verdict;
}

struct ResponseStream {
  std::string_view problem;  // why it is not a whole answer, or ""
  json answer;
  bool ends_marked = false;
};

// The terminal event holds the whole answer. Some leave out of it the items that they streamed.
ResponseStream ReadStream(const std::vector<Event>& events) {
  ResponseStream stream{"no_end", {}, false};
  std::map<std::uint64_t, json> items;
  AnswerParser parser(kMaxMadeDepth);
  for (const Event& event : events) {
    if (event.data == "[DONE]") {
      stream.ends_marked = true;
      continue;
    }
    std::optional<json> data = parser.Parse(event.data);
    if (!data || !data->is_object()) {
      stream.problem = parser.problem();
      return stream;
    }
    const std::string_view type = StringMember(*data, "type");
    if (type == "error" || event.name == "error" || type == "response.failed" ||
        IsSet(*data, "error")) {
      stream.problem = "error";
      return stream;
    }
    stream.ends_marked = type == "response.completed" || type == "response.incomplete";
    if (type == "response.output_item.done" && IsSet(*data, "item")) {
      items[CountMember(*data, "output_index")] = (*data)["item"];
    }
    const json* response = FindMember(*data, "response");
    if (!stream.ends_marked || response == nullptr || !response->is_object()) continue;
    stream.answer = *response;
    stream.problem = "";
  }
  if (!stream.problem.empty() || HasSomething(stream.answer, "output")) return stream;
  json& output = stream.answer["output"] = json::array();
  for (auto& [index, item] : items) output.push_back(std::move(item));
  return stream;
}

class ResponsesEndpoint final : public Endpoint {
 public:
  std::string_view name() const override { return "openai.responses"; }

  RequestPlan Plan(std::string_view body) const override {
    PlannedBody planned = PlanBody(*this, body, kIgnored, kLimits);
    if (!planned.ok()) return planned.plan;
    if (IsStateful(planned.object)) planned.plan.bypass = "stateful";
    return planned.Take();
  }
  Verdict JudgeJson(const RequestPlan& plan, const StoreRules& rules,
                    std::string_view body) const override {
    AnswerParser parser;
    const std::optional<json> answer = parser.Parse(body);
    if (!answer || !answer->is_object()) return {.reason = std::string(parser.problem())};
    return JudgeAnswer(plan, rules, *answer);
  }
  Verdict JudgeStream(const RequestPlan& plan, const StoreRules& rules,
                      const std::vector<Event>& events) const override {
    const ResponseStream stream = ReadStream(events);
    Verdict verdict = stream.problem.empty() ? JudgeAnswer(plan, rules, stream.answer)
                                             : Verdict{.reason = std::string(stream.problem)};
    verdict.has_end_mark = stream.ends_marked;
    return verdict;
  }
  std::vector<Event> Normalize(std::vector<Event> events) const override {
    return WithoutObfuscation(std::move(events));
  }
  Result<std::string> Assemble(const std::vector<Event>& events) const override {
    const ResponseStream stream = ReadStream(events);
    if (stream.problem.empty()) return DumpJson(stream.answer);
    return Status(StatusCode::kDataLoss, "not the stream of a whole response");
  }
  Result<std::vector<Event>> Split(std::string_view body) const override {
    constexpr StoreRules kAnything = {.truncated = StoreTruncated::kAlways,
                                      .content_filter = true,
                                      .refusals = true,
                                      .incomplete = true};
    const std::optional<json> answer = ParseAnswer(body);
    const json* output = answer ? FindMember(*answer, "output") : nullptr;
    if (output == nullptr || !output->is_array() || output->empty() ||
        !StatusProblem({}, kAnything, *answer).empty()) {
      return Status(StatusCode::kDataLoss, "not a whole response");
    }
    return SplitResponse(*answer);
  }
};

}  // namespace

const Endpoint& OpenAiResponses() {
  static const ResponsesEndpoint endpoint;
  return endpoint;
}

}  // namespace larder::client
