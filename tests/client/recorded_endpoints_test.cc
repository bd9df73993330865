// Every recorded exchange of the endpoints beside chat: whether the request bypasses the cache,
// whether the answer is stored, its usage, and that either form comes back from the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>

#include "canonical_json.h"
#include "dialect.h"
#include "event_stream.h"
#include "recorded.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using nlohmann::json;
using testing::LoadRecorded;
using testing::RecordedExchange;

// How many of a file's exchanges came to which decision.
using Counts = std::map<std::string, int>;

struct Recordings {
  const char* name;  // of the files
  const char* dialect;
  const char* endpoint;
  std::vector<std::string> ignored;  // fields that do not belong to the key
  // Counted by hand from the files.
  int stateful;
  Counts answers;  // reason -> JSON answers with it; "" are stored
  Counts streams;
  int with_usage;  // of both
  int patched;     // answers that events of this endpoint cannot say: a choice without an index
  // The usage that the provider counts, from its JSON.
  std::function<Usage(const json&)> usage;
};

void PrintTo(const Recordings& recordings, std::ostream* out) { *out << recordings.name; }

std::uint64_t Number(const json& object, const char* name) {
  const json value = object.is_object() ? object.value(name, json()) : json();
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

Usage CompletionsUsage(const json& usage) {
  return {.input_tokens = Number(usage, "prompt_tokens"),
          .output_tokens = Number(usage, "completion_tokens")};
}

Usage ResponsesUsage(const json& usage) {
  const json details = usage.value("input_tokens_details", json());
  return {.input_tokens = Number(usage, "input_tokens"),
          .cached_input_tokens = Number(details, "cached_tokens"),
          .cache_write_tokens = Number(details, "cache_write_tokens"),
          .output_tokens = Number(usage, "output_tokens")};
}

Usage MessagesUsage(const json& usage) {
  Usage read = {.cached_input_tokens = Number(usage, "cache_read_input_tokens"),
                .cache_write_tokens = Number(usage, "cache_creation_input_tokens"),
                .output_tokens = Number(usage, "output_tokens")};
  read.input_tokens =
      Number(usage, "input_tokens") + read.cached_input_tokens + read.cache_write_tokens;
  return read;
}

class RecordedEndpointTest : public ::testing::TestWithParam<Recordings> {
 protected:
  const Endpoint& endpoint() const { return *FindEndpoint(GetParam().endpoint); }

  static std::vector<RecordedExchange> Load(const char* form) {
    return LoadRecorded(std::string(GetParam().name) + form);
  }
  static std::vector<RecordedExchange> All() {
    std::vector<RecordedExchange> all = Load(".json");
    for (RecordedExchange& exchange : Load(".sse")) all.push_back(std::move(exchange));
    return all;
  }

  static RequestPlan PlanOf(const RecordedExchange& exchange) {
    const std::string target = exchange.target();
    return FindDialect(GetParam().dialect)
        ->Plan("POST", target.substr(0, target.find('?')), exchange.request_body);
  }
  std::vector<Event> EventsOf(const RecordedExchange& exchange) const {
    return endpoint().Normalize(ParseEventStream(exchange.response_body));
  }
  Verdict Judge(const RecordedExchange& exchange) const {
    const RequestPlan plan = PlanOf(exchange);
    return exchange.is_stream ? endpoint().JudgeStream(plan, {}, EventsOf(exchange))
                              : endpoint().JudgeJson(plan, {}, exchange.response_body);
  }
  Counts Verdicts(const char* form) const {
    Counts counts;
    for (const RecordedExchange& exchange : Load(form)) ++counts[Judge(exchange).reason];
    return counts;
  }
};

TEST_P(RecordedEndpointTest, RequestsAreKeyedByAllButTheIgnoredFields) {
  int stateful = 0;
  for (const RecordedExchange& exchange : All()) {
    const RequestPlan plan = PlanOf(exchange);
    ASSERT_EQ(plan.endpoint, &endpoint()) << exchange.index;
    ASSERT_TRUE(plan.bypass == "" || plan.bypass == "stateful") << exchange.source;
    stateful += plan.bypass == "stateful" ? 1 : 0;
    json body = json::parse(exchange.request_body);
    EXPECT_EQ(plan.model, body["model"]);
    EXPECT_EQ(plan.stream, exchange.is_stream) << exchange.index;
    EXPECT_EQ(*CanonicalizeValue(plan.canonical_body), plan.canonical_body);
    for (const std::string& name : GetParam().ignored) body.erase(name);
    EXPECT_EQ(json::parse(plan.canonical_body), body) << exchange.index;
  }
  EXPECT_EQ(stateful, GetParam().stateful);
}

TEST_P(RecordedEndpointTest, AnswersAreStoredUnlessTheyAreNot) {
  EXPECT_EQ(Verdicts(".json"), GetParam().answers);
  EXPECT_EQ(Verdicts(".sse"), GetParam().streams);
}

TEST_P(RecordedEndpointTest, ACutStreamIsNeverStored) {
  for (const RecordedExchange& exchange : Load(".sse")) {
    const std::vector<Event> events = EventsOf(exchange);
    const bool has_done = events.back().data == "[DONE]";
    for (std::size_t count = 0; count + (has_done ? 2 : 1) < events.size(); count += 3) {
      const std::vector<Event> cut(events.begin(), events.begin() + static_cast<long>(count));
      EXPECT_FALSE(endpoint().JudgeStream(PlanOf(exchange), {}, cut).store)
          << exchange.source << " cut after " << count << " events of " << events.size();
    }
  }
}

TEST_P(RecordedEndpointTest, UsageIsTheRecordedOne) {
  int with_usage = 0;
  for (const RecordedExchange& exchange : All()) {
    const Verdict verdict = Judge(exchange);
    json recorded;
    const auto look = [&](const json& part) {
      if (!part.is_object()) return;
      // Anthropic's second report adds to its first.
      const json usage = part.value("usage", json());
      if (usage.is_object() && recorded.is_object()) recorded.update(usage);
      if (usage.is_object() && !recorded.is_object()) recorded = usage;
    };
    if (exchange.is_stream) {
      for (const Event& event : ParseEventStream(exchange.response_body)) {
        const json data = json::parse(event.data, nullptr, false);
        look(data);
        if (!data.is_object()) continue;
        for (const char* inner : {"response", "message"}) look(data.value(inner, json()));
      }
    } else {
      look(json::parse(exchange.response_body));
    }
    ASSERT_EQ(verdict.usage.has_value(), recorded.is_object()) << exchange.source;
    if (!verdict.usage) continue;
    ++with_usage;
    EXPECT_EQ(*verdict.usage, GetParam().usage(recorded)) << exchange.source;
  }
  EXPECT_EQ(with_usage, GetParam().with_usage);
}

TEST_P(RecordedEndpointTest, AnswersComeBackFromTheirStream) {
  int patched = 0;
  for (const RecordedExchange& exchange : Load(".json")) {
    const Verdict verdict = Judge(exchange);
    if (!verdict.store) continue;
    const auto events = endpoint().Split(exchange.response_body);
    ASSERT_OK(events) << exchange.source;
    const Result<std::string> back = endpoint().Assemble(*events);
    ASSERT_OK(back) << exchange.source;
    EXPECT_EQ(json::parse(*back), json::parse(exchange.response_body)) << exchange.source;
    const Verdict again = endpoint().JudgeStream(PlanOf(exchange), {}, *events);
    EXPECT_TRUE(again.store) << exchange.source;
    EXPECT_TRUE(again.has_end_mark);
    EXPECT_EQ(again.usage, verdict.usage) << exchange.source;
    std::string text;
    for (const Event& event : *events) WriteEvent(event, text);
    EXPECT_EQ(ParseEventStream(text), *events) << exchange.source;
    patched += text.find("larder_patch") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(patched, GetParam().patched);
}

TEST_P(RecordedEndpointTest, StreamsComeBackFromTheirAnswer) {
  for (const RecordedExchange& exchange : Load(".sse")) {
    const Verdict verdict = Judge(exchange);
    if (!verdict.store) continue;
    const Result<std::string> answer = endpoint().Assemble(EventsOf(exchange));
    ASSERT_OK(answer) << exchange.source;
    const Verdict as_json = endpoint().JudgeJson(PlanOf(exchange), {}, *answer);
    EXPECT_TRUE(as_json.store) << exchange.source << as_json.reason;
    EXPECT_EQ(as_json.usage, verdict.usage);
    const auto events = endpoint().Split(*answer);
    ASSERT_OK(events) << exchange.source;
    const Result<std::string> again = endpoint().Assemble(*events);
    ASSERT_OK(again) << exchange.source;
    EXPECT_EQ(*again, *answer) << exchange.source;
  }
}

// All texts that the deltas say, in order, put together by a few lines that know nothing of the
// endpoints.
std::string TextsOf(const std::vector<Event>& events) {
  std::string texts;
  for (const Event& event : events) {
    const json data = json::parse(event.data, nullptr, false);
    if (!data.is_object()) continue;
    const json delta = data.value("delta", json());
    if (delta.is_string()) texts += delta;
    if (delta.is_object()) {
      for (const char* name : {"text", "thinking", "partial_json"}) {
        const json text = delta.value(name, json());
        if (text.is_string()) texts += text;
      }
    }
    const json choices = data.value("choices", json::array());
    const json text = choices.empty() ? json() : choices[0].value("text", json());
    if (text.is_string()) texts += text;
  }
  return texts;
}

// Blanks apart, since a tool's input is written anew.
std::string WithoutBlanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

// A stream, assembled and split again, says the same words.
TEST_P(RecordedEndpointTest, StreamsSayTheSameAfterARoundTrip) {
  std::size_t said = 0;
  for (const RecordedExchange& exchange : Load(".sse")) {
    if (!Judge(exchange).store) continue;
    const std::vector<Event> events = EventsOf(exchange);
    const auto split = endpoint().Split(*endpoint().Assemble(events));
    ASSERT_OK(split);
    std::string texts = WithoutBlanks(TextsOf(events));
    std::string again = WithoutBlanks(TextsOf(*split));
    said += texts.size();
    if (PlanOf(exchange).bypass == "stateful") continue;  // hosted tools have events of their own
    std::sort(texts.begin(), texts.end());                // members of an input in another order
    std::sort(again.begin(), again.end());
    EXPECT_EQ(texts.size(), again.size()) << exchange.source;
    EXPECT_TRUE(texts == again) << exchange.source;
  }
  EXPECT_GT(said, 2'000u);
}

const std::vector<std::string> kChatIgnored = {
    "stream",           "stream_options",         "user",         "safety_identifier", "metadata",
    "prompt_cache_key", "prompt_cache_retention", "service_tier",
};

// One of the streams is of a format of its own, without an end.
INSTANTIATE_TEST_SUITE_P(Completions, RecordedEndpointTest,
                         ::testing::Values(Recordings{.name = "completions",
                                                      .dialect = "openai",
                                                      .endpoint = "openai.completions",
                                                      .ignored = kChatIgnored,
                                                      .stateful = 0,
                                                      .answers = {{"", 41}},
                                                      .streams = {{"", 20}, {"no_end", 1}},
                                                      .with_usage = 40,
                                                      .patched = 1,
                                                      .usage = &CompletionsUsage}));

// Five were to be computed in the background and are not there yet.
INSTANTIATE_TEST_SUITE_P(Responses, RecordedEndpointTest,
                         ::testing::Values(Recordings{.name = "responses",
                                                      .dialect = "openai",
                                                      .endpoint = "openai.responses",
                                                      .ignored = {"stream", "stream_options"},
                                                      .stateful = 43 + 11,
                                                      .answers = {{"", 309}, {"no_end", 5}},
                                                      .streams = {{"", 68}},
                                                      .with_usage = 309 + 68,
                                                      .patched = 0,
                                                      .usage = &ResponsesUsage}));

INSTANTIATE_TEST_SUITE_P(Messages, RecordedEndpointTest,
                         ::testing::Values(Recordings{
                             .name = "anthropic_messages",
                             .dialect = "anthropic",
                             .endpoint = "anthropic.messages",
                             .ignored = {"stream", "metadata", "service_tier"},
                             .stateful = 70 + 10,
                             .answers = {{"", 303}},
                             .streams = {{"", 60}},
                             .with_usage = 303 + 60,
                             .patched = 0,
                             .usage = &MessagesUsage}));

}  // namespace
}  // namespace larder::client
