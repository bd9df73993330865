// Every recorded request and answer of the chat endpoints as types, and back: nothing is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dialect.h"
#include "larder/client/llm_json.h"
#include "llm_dialect.h"
#include "random_json.h"
#include "recorded.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using larder::testing::LoadRecorded;
using larder::testing::RandomJson;
using larder::testing::RecordedExchange;
using nlohmann::json;

struct Recordings {
  const char* name;  // of the files
  const LlmDialect& (*dialect)();
  const char* dialect_name;
  int requests;  // in both files, those that are a request of this endpoint
  int untyped;   // ... of which whole in `extra`: what was sent is written in no other way
  int answers;   // JSON answers
  int streams;   // whole streams
  // What the provider calls the tokens of reasoning, and how many answers, of both forms, say that
  // they have some.
  json::json_pointer reasoning;
  int reasoned;
};

void PrintTo(const Recordings& recordings, std::ostream* out) { *out << recordings.name; }

class RecordedLlmTest : public ::testing::TestWithParam<Recordings> {
 protected:
  static const LlmDialect& dialect() { return GetParam().dialect(); }
  static std::vector<RecordedExchange> Load(const char* form) {
    return LoadRecorded(std::string(GetParam().name) + form);
  }
};

json Parse(std::string_view text) { return json::parse(text, nullptr, false); }

TEST_P(RecordedLlmTest, RequestsComeBackWhole) {
  int requests = 0;
  int untyped = 0;
  for (const char* form : {".json", ".sse"}) {
    for (const RecordedExchange& exchange : Load(form)) {
      json original = Parse(exchange.request_body);
      if (!original.is_object()) continue;
      ++requests;
      for (const char* name : {"stream", "stream_options"}) original.erase(name);
      const Result<LlmRequest> request =
          ReadLlmRequest(GetParam().dialect_name, exchange.request_body);
      ASSERT_OK(request) << exchange.source;
      const Result<std::string> written = WriteLlmRequest(GetParam().dialect_name, *request);
      ASSERT_OK(written) << exchange.source;
      EXPECT_EQ(Parse(*written), original) << exchange.source;
      for (const Message& message : request->messages) {
        // Nothing but the role: a lone question of the Responses, which is to stay a list.
        const json extra = Parse(message.extra);
        if (extra.contains("role") && extra.size() > 1) ++untyped;
      }
      if (!request->extra.empty() && Parse(request->extra).contains("model")) ++untyped;
    }
  }
  EXPECT_EQ(requests, GetParam().requests);
  EXPECT_EQ(untyped, GetParam().untyped);
}

// The answer's message handed back in the next request, as a conversation does, is the same JSON.
TEST_P(RecordedLlmTest, AnswersMessagesCanBeHandedBack) {
  int answers = 0;
  for (const RecordedExchange& exchange : Load(".json")) {
    const json body = Parse(exchange.response_body);
    if (exchange.status != 200 || !body.is_object()) continue;
    json original = json::array();
    for (const json& choice : body.value("choices", json::array())) {
      original.push_back(choice.value("message", json::object()));
      if (!original.back().contains("role")) original.back()["role"] = "assistant";
    }
    if (body.contains("content")) {
      original.push_back({{"role", "assistant"}, {"content", body["content"]}});
    }
    for (const json& item : body.value("output", json::array())) original.push_back(item);
    if (original.empty()) continue;
    const Result<LlmAnswer> answer = dialect().ReadAnswer(exchange.response_body);
    ASSERT_OK(answer) << exchange.source;
    EXPECT_EQ(answer->json, exchange.response_body);
    LlmRequest next{.model = "m", .messages = {}};
    for (const LlmChoice& choice : answer->choices) next.messages.push_back(choice.message);
    const Result<std::string> written = dialect().WriteRequest(next, false);
    ASSERT_OK(written) << exchange.source;
    const json whole = Parse(*written);
    EXPECT_EQ(whole[whole.contains("input") ? "input" : "messages"], original) << exchange.source;
    ++answers;
  }
  EXPECT_EQ(answers, GetParam().answers);
}

// All texts of a kind, of all choices: what the callback is told piece by piece.
struct Told {
  std::string text;
  std::string reasoning;
  std::string arguments;
  friend bool operator==(const Told&, const Told&) = default;
};

Told Whole(const LlmAnswer& answer) {
  Told told;
  for (const LlmChoice& choice : answer.choices) {
    for (const Part& part : choice.message.parts) {
      if (const auto* text = std::get_if<TextPart>(&part)) told.text += text->text;
      if (const auto* thought = std::get_if<ReasoningPart>(&part)) told.reasoning += thought->text;
      if (const auto* call = std::get_if<ToolCallPart>(&part)) told.arguments += call->arguments;
    }
  }
  return told;
}

// Of a JSON answer, of a stream, and of either brought into the other form and back.
TEST_P(RecordedLlmTest, UsageIsThatOfItsCostAndTellsTheTokensOfReasoning) {
  const Endpoint& endpoint = *FindEndpoint(dialect().endpoint());
  int reasoned = 0;
  for (const char* form : {".json", ".sse"}) {
    for (const RecordedExchange& exchange : Load(form)) {
      const Result<std::string> whole =
          exchange.is_stream ? endpoint.Assemble(ParseEventStream(exchange.response_body))
                             : Result<std::string>(exchange.response_body);
      const json recorded = whole.ok() ? Parse(*whole) : json();
      if (exchange.status != 200 || !recorded.is_object()) continue;
      const json usage = recorded.value("usage", json());
      const Result<LlmAnswer> answer = dialect().ReadAnswer(*whole);
      if (!answer.ok() || !usage.is_object()) continue;
      ASSERT_TRUE(answer->usage) << exchange.source;
      const Verdict verdict = endpoint.JudgeJson({}, {}, *whole);
      const TokenUsage& typed = *answer->usage;
      EXPECT_EQ((Usage{.input_tokens = typed.input_tokens,
                       .cached_input_tokens = typed.cached_input_tokens,
                       .cache_write_tokens = typed.cache_write_tokens,
                       .output_tokens = typed.output_tokens}),
                verdict.usage)
          << exchange.source;
      EXPECT_EQ(Parse(typed.json), usage) << exchange.source;
      const json::json_pointer& place = GetParam().reasoning;
      const json reasoning = usage.contains(place) ? usage.at(place) : json();
      // What only the total counts is reasoning too.
      const json written = usage.value("completion_tokens", usage.value("output_tokens", json(0)));
      EXPECT_EQ(typed.reasoning_tokens,
                std::max(reasoning.is_number() ? reasoning.get<std::uint64_t>() : 0,
                         typed.output_tokens - written.get<std::uint64_t>()))
          << exchange.source;
      reasoned += typed.reasoning_tokens > 0 ? 1 : 0;
      const Result<std::vector<Event>> events = endpoint.Split(*whole);
      if (!events.ok()) continue;
      const Result<LlmAnswer> again = dialect().ReadAnswer(*endpoint.Assemble(*events));
      ASSERT_OK(again);
      EXPECT_EQ(again->usage->reasoning_tokens, typed.reasoning_tokens) << exchange.source;
      EXPECT_EQ(Parse(again->usage->json), usage) << exchange.source;
    }
  }
  EXPECT_EQ(reasoned, GetParam().reasoned);
}

TEST_P(RecordedLlmTest, StreamsTellWhatTheWholeAnswerSays) {
  int streams = 0;
  for (const RecordedExchange& exchange : Load(".sse")) {
    const std::vector<Event> events = ParseEventStream(exchange.response_body);
    const Result<std::string> assembled = FindEndpoint(dialect().endpoint())->Assemble(events);
    if (exchange.status != 200 || !assembled.ok()) continue;
    const Result<LlmAnswer> answer = dialect().ReadAnswer(*assembled);
    ASSERT_OK(answer) << exchange.source;
    if (answer->choices.size() > 1) continue;  // their pieces come in turns
    Told told;
    LlmStreamState state;
    for (const Event& event : events) {
      dialect().ReadEvent(event, state, [&](const LlmEvent& piece) {
        if (piece.kind == LlmEvent::Kind::kText) told.text += piece.text;
        if (piece.kind == LlmEvent::Kind::kReasoning) told.reasoning += piece.text;
        if (piece.kind == LlmEvent::Kind::kToolCall) told.arguments += piece.text;
        return true;
      });
    }
    const Told whole = Whole(*answer);
    EXPECT_EQ(told.text, whole.text) << exchange.source;
    EXPECT_EQ(told.reasoning, whole.reasoning) << exchange.source;
    // As JSON of several calls they may differ in blanks, and {} may be said by nothing.
    const auto dense = [](std::string text) {
      std::erase_if(text, [](char c) { return c == ' ' || c == '{' || c == '}'; });
      return text;
    };
    EXPECT_EQ(dense(told.arguments), dense(whole.arguments)) << exchange.source;
    ++streams;
  }
  EXPECT_EQ(streams, GetParam().streams);
}

// Whatever the member is called.
TEST(RecordedLlmReasoningTest, EveryRecordedThoughtOfChatIsAPart) {
  int thoughts = 0;
  for (const RecordedExchange& exchange : LoadRecorded("chat_completions.json")) {
    const Result<LlmAnswer> answer = OpenAiLlm().ReadAnswer(exchange.response_body);
    if (!answer.ok()) continue;
    const json choices = Parse(exchange.response_body)["choices"];
    for (std::size_t i = 0; i < choices.size(); ++i) {
      std::string recorded;
      for (const char* name : {"reasoning_content", "reasoning"}) {
        const json said = choices[i].value("message", json::object()).value(name, json());
        if (said.is_string()) recorded += said;
      }
      Told told;
      for (const Part& part : answer->choices[i].message.parts) {
        if (const auto* thought = std::get_if<ReasoningPart>(&part)) told.reasoning = thought->text;
      }
      EXPECT_EQ(told.reasoning, recorded) << exchange.source;
      thoughts += recorded.empty() ? 0 : 1;
    }
  }
  EXPECT_EQ(thoughts, 54);
}

TEST_P(RecordedLlmTest, AnyJsonComesBackWhole) {
  constexpr unsigned kSeed = 20261126;
  RandomJson random(kSeed);
  for (int i = 0; i < 2000; ++i) {
    const json block = random.Mostly({{"type", random.Mostly("text")},
                                      {"text", random.Mostly(random.Text())},
                                      {"content", random.Mostly(random.Value(2))},
                                      {"tool_use_id", random.Mostly("1")}});
    const json call = random.Mostly({{"id", random.Mostly("1")},
                                     {"type", random.Mostly("function")},
                                     {"function", random.Mostly({{"name", random.Mostly("f")},
                                                                 {"arguments", "{}"},
                                                                 {"x", random.Value(1)}})}});
    json message = random.Mostly({{"role", random.Mostly(random.OneIn(2) ? "tool" : "assistant")},
                                  {"content", random.Mostly(json::array({block, block}))},
                                  {"tool_calls", random.Mostly(json::array({call}))},
                                  {"refusal", random.Value(1)},
                                  {"tool_call_id", random.Mostly("1")}});
    if (message.is_object() && !message.contains("role")) message["role"] = "user";
    const json body = {{"model", "m"},
                       {"max_tokens", random.Mostly(5)},
                       {"messages", random.Mostly(json::array({message}))},
                       {"input", random.Mostly(json::array({message, block, call}))},
                       {"system", random.Mostly("s")},
                       {"thinking", random.Value(2)},
                       {"tools", random.Mostly(json::array({random.Mostly(call)}))},
                       {"tool_choice", random.Mostly("auto")},
                       {"response_format", random.Value(3)}};
    const Result<LlmRequest> request = dialect().ReadRequest(body.dump());
    ASSERT_OK(request);
    const Result<std::string> written = dialect().WriteRequest(*request, false);
    ASSERT_OK(written) << body;
    ASSERT_EQ(Parse(*written), body) << "seed " << kSeed << ", round " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Endpoints, RecordedLlmTest,
    ::testing::Values(
        Recordings{.name = "chat_completions",
                   .dialect = OpenAiLlm,
                   .dialect_name = "openai",
                   .requests = 813,
                   .untyped = 17,
                   .answers = 651,
                   .streams = 157,
                   .reasoning = json::json_pointer("/completion_tokens_details/reasoning_tokens"),
                   .reasoned = 97},
        Recordings{.name = "responses",
                   .dialect = OpenAiResponsesLlm,
                   .dialect_name = "openai-responses",
                   .requests = 382,
                   .untyped = 0,
                   .answers = 309,
                   .streams = 68,
                   .reasoning = json::json_pointer("/output_tokens_details/reasoning_tokens"),
                   .reasoned = 125},
        Recordings{.name = "anthropic_messages",
                   .dialect = AnthropicLlm,
                   .dialect_name = "anthropic",
                   .requests = 363,
                   .untyped = 21,
                   .answers = 303,
                   .streams = 60,
                   .reasoning = json::json_pointer("/output_tokens_details/thinking_tokens"),
                   .reasoned = 20}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace larder::client
