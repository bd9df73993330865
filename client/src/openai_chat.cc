#include "openai_chat.h"

#include <algorithm>
#include <charconv>

#include "answer_json.h"
#include "canonical_json.h"
#include "chat_assembler.h"

namespace larder::client {
namespace {

using nlohmann::json;

constexpr std::string_view kDone = "[DONE]";

// Top-level fields that do not change what is answered.
constexpr std::string_view kIgnored[] = {
    "stream",           "stream_options",         "user",         "safety_identifier", "metadata",
    "prompt_cache_key", "prompt_cache_retention", "service_tier",
};

bool IsGiven(const CanonicalObject& body, std::string_view name) {
  const auto value = body.Find(name);
  return value && *value != "null";
}

std::uint64_t Count(const json& usage, const char* name) {
  const json* value = FindMember(usage, name);
  if (value == nullptr || !value->is_number_integer()) return 0;
  if (value->is_number_unsigned()) return value->get<std::uint64_t>();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value->get<std::int64_t>(), 0));
}

std::optional<Usage> ReadUsage(const json& answer) {
  const json* usage = FindMember(answer, "usage");
  if (usage == nullptr || !usage->is_object()) return std::nullopt;
  Usage read;
  read.input_tokens = Count(*usage, "prompt_tokens");
  read.output_tokens = Count(*usage, "completion_tokens");
  const json* details = FindMember(*usage, "prompt_tokens_details");
  const bool detailed = FindMember(details ? *details : json(), "cached_tokens") != nullptr;
  read.cached_input_tokens =
      detailed ? Count(*details, "cached_tokens") : Count(*usage, "prompt_cache_hit_tokens");
  return read;
}

bool IsSet(const json& value, const char* name) {
  const json* member = FindMember(value, name);
  return member != nullptr && !member->is_null();
}

// An array or an object with something in it, or a string with something in it.
bool HasSomething(const json& value, const char* name) {
  const json* member = FindMember(value, name);
  if (member == nullptr) return false;
  if (member->is_string()) return !member->get_ref<const std::string&>().empty();
  return (member->is_array() || member->is_object()) && !member->empty();
}

bool HasAnswer(const json& message) {
  for (const char* name : {"content", "refusal", "reasoning", "reasoning_content",
                           "reasoning_details", "tool_calls", "images"}) {
    if (HasSomething(message, name)) return true;
  }
  // Some providers send these two as objects of empty strings where there is nothing.
  const json* call = FindMember(message, "function_call");
  const json* audio = FindMember(message, "audio");
  return (call != nullptr && !StringMember(*call, "name").empty()) ||
         (audio != nullptr && (HasSomething(*audio, "data") || HasSomething(*audio, "id")));
}

// Arguments neither empty nor JSON were cut or garbled. Those of custom tools are free text.
bool HasBadArguments(const json& function) {
  const std::string_view arguments = StringMember(function, "arguments");
  const bool blank = arguments.find_first_not_of(" \t\r\n") == std::string_view::npos;
  return !blank && !json::accept(arguments);
}

bool HasBadCalls(const json& message) {
  const json* call = FindMember(message, "function_call");
  if (call != nullptr && HasBadArguments(*call)) return true;
  const json* calls = FindMember(message, "tool_calls");
  if (calls == nullptr || !calls->is_array()) return false;
  return std::any_of(calls->begin(), calls->end(), [](const json& tool) {
    const json* function = FindMember(tool, "function");
    return function != nullptr && HasBadArguments(*function);
  });
}

// Why this choice keeps its answer out of the store, or "".
std::string_view ChoiceProblem(const RequestPlan& plan, const json& choice) {
  const json* message = FindMember(choice, "message");
  const std::string_view finish = StringMember(choice, "finish_reason");
  if (IsSet(choice, "error") || finish == "error") return "error";
  if (finish == "content_filter") return "content_filter";
  if (message == nullptr || !message->is_object()) return "invalid";
  if (!StringMember(*message, "refusal").empty()) return "refusal";
  if (finish == "length" && !plan.limited) return "truncated";
  if (HasBadCalls(*message)) return "bad_arguments";
  return "";
}

// `answer` is whole; may it be stored?
Verdict JudgeAnswer(const RequestPlan& plan, const json& answer) {
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
    verdict.reason = ChoiceProblem(plan, choice);
    if (!verdict.reason.empty()) return verdict;
  }
  const bool something = std::any_of(choices->begin(), choices->end(), [](const json& choice) {
    return HasAnswer(choice["message"]);
  });
  verdict.store = something;
  if (!something) verdict.reason = "empty";
  return verdict;
}

// A stream read to its end.
struct StreamAnswer {
  ChatAssembler assembler;
  std::string_view problem;  // why it is not one, or ""
  bool done = false;

  bool AllFinished() const { return assembler.finished() == assembler.choices(); }
};

StreamAnswer ReadStream(const std::vector<Event>& events) {
  StreamAnswer stream;
  for (const Event& event : events) {
    if (event.data == kDone) {
      stream.done = true;
      break;
    }
    const std::optional<json> chunk = ParseAnswer(event.data, kMaxMadeDepth);
    if (event.name == "error" || (chunk && IsSet(*chunk, "error"))) stream.problem = "error";
    if (!chunk || !chunk->is_object()) {
      if (stream.problem.empty()) stream.problem = "invalid";
      continue;
    }
    stream.assembler.Add(*chunk);
  }
  return stream;
}

}  // namespace

RequestPlan PlanChat(std::string_view body) {
  RequestPlan plan;
  Result<CanonicalObject> object = CanonicalizeObject(body, kIgnored);
  if (!object.ok()) {
    plan.bypass = "not-i-json";
    plan.problem = object.status().message();
    return plan;
  }
  if (object->Find("store") == "true" || IsGiven(*object, "web_search_options")) {
    plan.bypass = "stateful";
    return plan;
  }
  if (const auto model = object->Find("model"); model && model->starts_with('"')) {
    plan.model = json::parse(*model, nullptr, false).get<std::string>();
  }
  plan.stream = object->Find("stream") == "true";
  plan.wants_usage = true;
  if (plan.stream) {
    plan.wants_usage = false;
    if (const auto options = object->Find("stream_options"); options) {
      const Result<CanonicalObject> inner = CanonicalizeObject(*options);
      plan.wants_usage = inner.ok() && inner->Find("include_usage") == "true";
    }
  }
  plan.limited = IsGiven(*object, "max_tokens") || IsGiven(*object, "max_completion_tokens");
  if (const auto n = object->Find("n"); n) {
    std::from_chars(n->data(), n->data() + n->size(), plan.choices);
  }
  plan.ignored = std::move(object->left_out);
  plan.canonical_body = std::move(object->text);
  return plan;
}

Verdict JudgeChatJson(const RequestPlan& plan, std::string_view body) {
  const std::optional<json> answer = ParseAnswer(body);
  if (!answer || !answer->is_object()) return {.reason = "invalid"};
  return JudgeAnswer(plan, *answer);
}

Verdict JudgeChatStream(const RequestPlan& plan, const std::vector<Event>& events) {
  StreamAnswer stream = ReadStream(events);
  const bool all_finished = stream.assembler.choices() >= plan.choices && stream.AllFinished();
  const Result<json> answer = stream.assembler.Take();
  if (!answer.ok()) return {.reason = "invalid"};
  Verdict verdict = JudgeAnswer(plan, *answer);
  std::string_view problem = stream.problem;
  if (problem.empty() && !stream.done && !all_finished) problem = "no_end";
  if (!problem.empty()) {
    verdict.store = false;
    verdict.reason = problem;
  }
  return verdict;
}

std::optional<std::size_t> ChatUsageEvent(const std::vector<Event>& events) {
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

Result<std::string> AssembleChat(const std::vector<Event>& events) {
  StreamAnswer stream = ReadStream(events);
  const bool ended = stream.done || stream.AllFinished();
  if (!stream.problem.empty() || stream.assembler.choices() == 0 || !ended) {
    return Status(StatusCode::kDataLoss, "not the stream of a whole chat answer");
  }
  const Result<json> answer = stream.assembler.Take();
  if (!answer.ok()) return answer.status();
  return DumpJson(*answer);
}

}  // namespace larder::client
