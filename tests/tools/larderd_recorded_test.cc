// Every recorded exchange of every endpoint goes through larderd: first as the provider gave it,
// then from the cache in both forms, or not from the cache if it must not be stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <vector>

#include "dialect.h"
#include "event_stream.h"
#include "larderd_process.h"
#include "provider_stand_in.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using client::Event;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::json;

// Says nothing, or only null, empty text and empty lists.
bool IsNothing(const Json& message, const char* name) {
  if (!message.is_object() || !message.contains(name)) return true;
  const Json& value = message.at(name);
  return value.is_null() || value == "" || value == Json::array();
}

bool IsGarbled(const Json& arguments) {
  return arguments.is_string() && arguments != "" && !Json::accept(arguments.get<std::string>());
}

Json ArrayOf(const Json& object, const char* name) {
  const Json value = object.is_object() ? object.value(name, Json()) : Json();
  return value.is_array() ? value : Json::array();
}

// What the contract says of each endpoint, written down apart from the code that is tested.

bool ChatChoiceIsStorable(const Json& choice, const Json& request) {
  const Json message = choice.value("message", Json::object());
  const Json reason = choice.value("finish_reason", Json());
  if (reason == "content_filter" || !IsNothing(message, "refusal")) return false;
  const bool limited = request.contains("max_tokens") || request.contains("max_completion_tokens");
  if (reason == "length" && !limited) return false;
  for (const Json& call : ArrayOf(message, "tool_calls")) {
    if (IsGarbled(call.value("/function/arguments"_json_pointer, Json()))) return false;
  }
  const auto says = {"content",   "tool_calls",        "function_call",    "audio",
                     "reasoning", "reasoning_content", "reasoning_details"};
  return std::any_of(says.begin(), says.end(),
                     [&](const char* name) { return !IsNothing(message, name); });
}

bool ChatIsStorable(const Json& answer, const Json& request) {
  if (!IsNothing(answer, "error") || IsNothing(answer, "choices")) return false;
  return std::all_of(answer["choices"].begin(), answer["choices"].end(),
                     [&](const Json& choice) { return ChatChoiceIsStorable(choice, request); });
}

bool ChatIsStateful(const Json& request) {
  return request.value("store", Json()) == true || request.contains("web_search_options");
}

bool CompletionIsStorable(const Json& answer, const Json&) {
  if (!IsNothing(answer, "error")) return false;
  const Json choices = ArrayOf(answer, "choices");
  return !choices.empty() && std::all_of(choices.begin(), choices.end(), [](const Json& choice) {
    return !IsNothing(choice, "text") && choice.value("finish_reason", Json()) != "content_filter";
  });
}

bool IsNeverStateful(const Json&) { return false; }

bool ResponseIsStorable(const Json& answer, const Json&) {
  const std::string status = answer.value("status", "completed");
  if (!IsNothing(answer, "error") || !status.starts_with("complete")) return false;
  bool says_something = false;
  for (const Json& item : ArrayOf(answer, "output")) {
    if (IsGarbled(item.value("arguments", Json()))) return false;
    for (const Json& part : ArrayOf(item, "content")) {
      if (part.value("type", Json()) == "refusal") return false;
      says_something = says_something || !IsNothing(part, "text");
    }
    says_something =
        says_something || (item.at("type") != "message" && item.at("type") != "reasoning");
  }
  return says_something;
}

bool ResponseIsStateful(const Json& request) {
  for (const char* name : {"previous_response_id", "conversation"}) {
    if (!IsNothing(request, name)) return true;
  }
  if (request.value("background", Json()) == true) return true;
  const Json tools = ArrayOf(request, "tools");
  return std::any_of(tools.begin(), tools.end(), [](const Json& tool) {
    const std::string type = tool["type"];
    const auto hosted = {"web_search",       "web_search_preview", "file_search",
                         "code_interpreter", "image_generation",   "mcp"};
    return std::find(hosted.begin(), hosted.end(), type) != hosted.end();
  });
}

bool MessageIsStorable(const Json& answer, const Json&) {
  return answer.value("type", "") == "message" && !IsNothing(answer, "content") &&
         answer.value("stop_reason", Json()) != "refusal";
}

bool MessageIsStateful(const Json& request) {
  if (!IsNothing(request, "container") || !IsNothing(request, "mcp_servers")) return true;
  const Json tools = ArrayOf(request, "tools");
  return std::any_of(tools.begin(), tools.end(), [](const Json& tool) {
    const std::string type = tool.value("type", "custom");
    return type != "custom" && !type.starts_with("memory_");
  });
}

struct RecordedEndpoint {
  const char* files;  // "<files>.json" and "<files>.sse"
  const char* target;
  const char* name;         // of the endpoint, as it is stored
  bool usage_is_an_option;  // streams report their usage only where it is asked for
  bool (*is_stateful)(const Json& request);
  bool (*is_storable)(const Json& answer, const Json& request);
  std::size_t answers;  // how many there are of each
  std::size_t streams;
  std::size_t stored_answers;  // ... and are stored
  std::size_t stored_streams;
};

// The events as a replay has them: all bytes as they were, but for the padding, and without the
// chunk of usage that some providers send unasked.
std::vector<Event> AsReplayed(std::vector<Event> events, const Json& request) {
  constexpr std::string_view kPadding = ",\"obfuscation\":\"";
  if (request.value("/stream_options/include_usage"_json_pointer, Json()) != true) {
    std::erase_if(events, [](const Event& event) {
      const Json chunk = Json::parse(event.data, nullptr, false);
      return chunk.is_object() && chunk.value("choices", Json()) == Json::array() &&
             !IsNothing(chunk, "usage");
    });
  }
  for (Event& event : events) {
    const std::size_t begin = event.data.find(kPadding);
    if (begin == std::string::npos) continue;
    const std::size_t end = event.data.find('"', begin + kPadding.size());
    event.data.erase(begin, end + 1 - begin);
  }
  return events;
}

void PrintTo(const RecordedEndpoint& endpoint, std::ostream* out) { *out << endpoint.name; }

class LarderdRecordedTest : public ::testing::TestWithParam<RecordedEndpoint> {
 protected:
  LarderdRecordedTest()
      : provider_({.files = {File("json"), File("sse")}}),
        gateway_(provider_.url()),
        caller_(gateway_.url()) {}

  static std::string File(const char* form) { return std::string(GetParam().files) + "." + form; }

  // A namespace for each, for some requests were recorded with several answers.
  WireAnswer Send(const RecordedExchange& exchange, const std::string& body,
                  bool only_cached = false) {
    const std::string number = std::to_string(exchange.index);
    client::Headers headers = {{"content-type", "application/json"},
                               {"authorization", "Bearer test"},
                               {"x-recorded", File(Kind(exchange)) + "/" + number},
                               {"larder-namespace", std::string(Kind(exchange)) + "-" + number}};
    if (only_cached) headers.Set("cache-control", "only-if-cached");
    if (!connected_) caller_ = WireClient(gateway_.url());
    WireAnswer answer = caller_.Ask("POST", GetParam().target, body, headers);
    connected_ = answer.whole && answer.header("connection") != "close";
    return answer;
  }
  WireAnswer SendWhenStored(const RecordedExchange& exchange, const std::string& body) {
    WireAnswer answer = Send(exchange, body);
    while (answer.header("cache-status").find("collapsed") != std::string::npos) {
      answer = Send(exchange, body);
    }
    return answer;
  }
  static const char* Kind(const RecordedExchange& exchange) {
    return exchange.is_stream ? "sse" : "json";
  }

  // The answer as JSON: as it is, or put together; null where it is neither.
  Json Answer(const RecordedExchange& exchange) const {
    if (!exchange.is_stream) return Json::parse(exchange.response_body, nullptr, false);
    const auto assembled = endpoint_.Assemble(client::ParseEventStream(exchange.response_body));
    return assembled.ok() ? Json::parse(*assembled) : Json();
  }

  void ExpectHit(const RecordedExchange& exchange, const WireAnswer& answer) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.whole);
    EXPECT_THAT(answer.header("cache-status"), StartsWith("larder; hit; ttl=")) << exchange.source;
  }
  void ExpectSameForm(const RecordedExchange& exchange);
  void ExpectOtherForm(const RecordedExchange& exchange, const Json& request);
  void Replay(const std::vector<RecordedExchange>& exchanges);

  const client::Endpoint& endpoint_ = *client::FindEndpoint(GetParam().name);
  ProviderStandIn provider_;
  GatewayFixture gateway_;
  WireClient caller_;
  bool connected_ = true;
  std::size_t storable_ = 0;
};

void LarderdRecordedTest::ExpectSameForm(const RecordedExchange& exchange) {
  const WireAnswer hit = SendWhenStored(exchange, exchange.request_body);
  ExpectHit(exchange, hit);
  if (!exchange.is_stream) {
    EXPECT_EQ(hit.body, exchange.response_body) << exchange.source;
    return;
  }
  // Compared as a whole and not printed: a thousand events would bury the failure.
  EXPECT_TRUE(client::ParseEventStream(hit.body) ==
              AsReplayed(client::ParseEventStream(exchange.response_body),
                         Json::parse(exchange.request_body)))
      << exchange.source;
}

void LarderdRecordedTest::ExpectOtherForm(const RecordedExchange& exchange, const Json& request) {
  const Json expected = Answer(exchange);
  Json other = request;
  other.erase("stream_options");
  other["stream"] = !exchange.is_stream;
  const bool has_usage = !IsNothing(expected, "usage");
  if (!exchange.is_stream && has_usage && GetParam().usage_is_an_option) {
    other["stream_options"] = {{"include_usage", true}};
  }
  if (exchange.is_stream && !has_usage) {
    EXPECT_EQ(Send(exchange, other.dump(), /*only_cached=*/true).status, 504)
        << "JSON without usage is not what the provider would say: " << exchange.source;
    return;
  }
  const WireAnswer hit = Send(exchange, other.dump());
  ExpectHit(exchange, hit);
  if (exchange.is_stream) {
    EXPECT_EQ(Json::parse(hit.body), expected) << exchange.source;
    return;
  }
  const auto assembled = endpoint_.Assemble(client::ParseEventStream(hit.body));
  ASSERT_TRUE(assembled.ok()) << exchange.source;
  EXPECT_EQ(Json::parse(*assembled), expected) << exchange.source;
}

void LarderdRecordedTest::Replay(const std::vector<RecordedExchange>& exchanges) {
  for (const RecordedExchange& exchange : exchanges) {
    const WireAnswer first = Send(exchange, exchange.request_body);
    EXPECT_EQ(first.status, exchange.status) << exchange.source;
    EXPECT_EQ(first.body, exchange.response_body) << exchange.source;
    EXPECT_TRUE(first.whole) << exchange.source;
    EXPECT_THAT(first.header("cache-status"), StartsWith("larder; fwd=")) << exchange.source;
  }
  EXPECT_EQ(provider_.calls().total, exchanges.size());
  std::size_t not_stored = 0;
  for (const RecordedExchange& exchange : exchanges) {
    const Json request = Json::parse(exchange.request_body);
    const Json answer = Answer(exchange);
    const bool stored = exchange.status == 200 && answer.is_object() &&
                        !GetParam().is_stateful(request) && GetParam().is_storable(answer, request);
    if (stored) {
      ++storable_;
      ExpectSameForm(exchange);
      ExpectOtherForm(exchange, request);
      continue;
    }
    ++not_stored;
    const WireAnswer again = SendWhenStored(exchange, exchange.request_body);
    EXPECT_THAT(again.header("cache-status"), HasSubstr("fwd=")) << exchange.source;
    EXPECT_EQ(again.body, exchange.response_body) << exchange.source;
  }
  EXPECT_EQ(provider_.calls().total, exchanges.size() + not_stored) << "hits cost no call";
}

TEST_P(LarderdRecordedTest, JsonAnswersAreTheProvidersThenHitsInBothForms) {
  const std::vector<RecordedExchange> exchanges = LoadRecorded(File("json"));
  ASSERT_EQ(exchanges.size(), GetParam().answers);
  Replay(exchanges);
  EXPECT_EQ(storable_, GetParam().stored_answers);
}

TEST_P(LarderdRecordedTest, StreamsAreTheProvidersThenHitsInBothForms) {
  const std::vector<RecordedExchange> exchanges = LoadRecorded(File("sse"));
  ASSERT_EQ(exchanges.size(), GetParam().streams);
  Replay(exchanges);
  EXPECT_EQ(storable_, GetParam().stored_streams);
}

TEST_P(LarderdRecordedTest, StreamsThatAreCutAreNotStored) {
  for (const RecordedExchange& exchange : LoadRecorded(File("sse"))) {
    const std::size_t events = client::ParseEventStream(exchange.response_body).size();
    if (exchange.status != 200 || events < 4) continue;
    provider_.CutAfter(events / 2);
    const WireAnswer cut = Send(exchange, exchange.request_body);
    EXPECT_FALSE(cut.whole) << exchange.source;
    EXPECT_TRUE(exchange.response_body.starts_with(cut.body)) << exchange.source;
    EXPECT_EQ(Send(exchange, exchange.request_body, /*only_cached=*/true).status, 504)
        << exchange.source;
  }
}

// Embeddings have one form, and an entry for each item: a hit is equal as JSON, not byte for byte.
TEST(LarderdRecordedEmbeddingsTest, AnswersAreTheProvidersThenHits) {
  ProviderStandIn provider({.files = {"embeddings.json"}});
  GatewayFixture gateway(provider.url());
  std::size_t hits = 0;
  for (const RecordedExchange& exchange : LoadRecorded("embeddings.json")) {
    const std::string number = std::to_string(exchange.index);
    const client::Headers headers = {{"content-type", "application/json"},
                                     {"authorization", "Bearer test"},
                                     {"x-recorded", "embeddings.json/" + number},
                                     {"larder-namespace", number}};
    WireClient caller(gateway.url());
    const auto ask = [&] {
      return caller.Ask("POST", "/openai/v1/embeddings", exchange.request_body, headers);
    };
    const WireAnswer first = ask();
    EXPECT_EQ(first.status, exchange.status) << exchange.source;
    EXPECT_EQ(first.body, exchange.response_body) << exchange.source;
    const WireAnswer again = ask();
    EXPECT_EQ(Json::parse(again.body), Json::parse(exchange.response_body)) << exchange.source;
    const bool hit = again.header("cache-status").starts_with("larder; hit");
    EXPECT_EQ(hit, Json::parse(exchange.request_body).contains("input")) << exchange.source;
    hits += hit ? 1 : 0;
  }
  EXPECT_EQ(hits, 29u);
}

INSTANTIATE_TEST_SUITE_P(Chat, LarderdRecordedTest,
                         ::testing::Values(RecordedEndpoint{.files = "chat_completions",
                                                            .target = "/openai/v1/chat/completions",
                                                            .name = "openai.chat",
                                                            .usage_is_an_option = true,
                                                            .is_stateful = &ChatIsStateful,
                                                            .is_storable = &ChatIsStorable,
                                                            .answers = 653,
                                                            .streams = 160,
                                                            .stored_answers = 632,
                                                            .stored_streams = 157}));

INSTANTIATE_TEST_SUITE_P(Completions, LarderdRecordedTest,
                         ::testing::Values(RecordedEndpoint{.files = "completions",
                                                            .target = "/openai/v1/completions",
                                                            .name = "openai.completions",
                                                            .usage_is_an_option = true,
                                                            .is_stateful = &IsNeverStateful,
                                                            .is_storable = &CompletionIsStorable,
                                                            .answers = 41,
                                                            .streams = 21,
                                                            .stored_answers = 41,
                                                            .stored_streams = 20}));

INSTANTIATE_TEST_SUITE_P(Responses, LarderdRecordedTest,
                         ::testing::Values(RecordedEndpoint{.files = "responses",
                                                            .target = "/v1/responses",
                                                            .name = "openai.responses",
                                                            .usage_is_an_option = false,
                                                            .is_stateful = &ResponseIsStateful,
                                                            .is_storable = &ResponseIsStorable,
                                                            .answers = 314,
                                                            .streams = 68,
                                                            .stored_answers = 314 - 43,
                                                            .stored_streams = 68 - 11}));

INSTANTIATE_TEST_SUITE_P(Messages, LarderdRecordedTest,
                         ::testing::Values(RecordedEndpoint{.files = "anthropic_messages",
                                                            .target = "/v1/messages",
                                                            .name = "anthropic.messages",
                                                            .usage_is_an_option = false,
                                                            .is_stateful = &MessageIsStateful,
                                                            .is_storable = &MessageIsStorable,
                                                            .answers = 303,
                                                            .streams = 60,
                                                            .stored_answers = 303 - 70,
                                                            .stored_streams = 60 - 10}));

}  // namespace
}  // namespace larder::testing
