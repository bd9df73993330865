// Every recorded chat completion goes through larderd: first as the provider gave it, then from
// the cache in both forms, or not from the cache if it must not be stored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
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
  if (!message.contains(name)) return true;
  const Json& value = message.at(name);
  return value.is_null() || value == "" || value == Json::array();
}

bool HasBadArguments(const Json& message) {
  if (IsNothing(message, "tool_calls")) return false;
  const Json& calls = message["tool_calls"];
  return std::any_of(calls.begin(), calls.end(), [](const Json& call) {
    const Json arguments = call.value("/function/arguments"_json_pointer, Json());
    return arguments.is_string() && arguments != "" && !Json::accept(arguments.get<std::string>());
  });
}

// What the contract says of one choice, written down apart from the code that is tested.
bool ChoiceIsStorable(const Json& choice, const Json& request) {
  const Json message = choice.value("message", Json::object());
  const Json reason = choice.value("finish_reason", Json());
  if (reason == "content_filter" || !IsNothing(message, "refusal")) return false;
  const bool limited = request.contains("max_tokens") || request.contains("max_completion_tokens");
  if (reason == "length" && !limited) return false;
  if (HasBadArguments(message)) return false;
  const auto says = {"content",   "tool_calls",        "function_call",    "audio",
                     "reasoning", "reasoning_content", "reasoning_details"};
  return std::any_of(says.begin(), says.end(),
                     [&](const char* name) { return !IsNothing(message, name); });
}

bool IsStorable(const Json& answer, const Json& request) {
  if (!IsNothing(answer, "error") || IsNothing(answer, "choices")) return false;
  return std::all_of(answer["choices"].begin(), answer["choices"].end(),
                     [&](const Json& choice) { return ChoiceIsStorable(choice, request); });
}

bool IsStateful(const Json& request) {
  return request.value("store", Json()) == true || request.contains("web_search_options");
}

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

class LarderdRecordedTest : public ::testing::Test {
 protected:
  LarderdRecordedTest()
      : provider_({.files = {"chat_completions.json", "chat_completions.sse"}}),
        gateway_(provider_.url()),
        caller_(gateway_.url()) {}

  // A namespace for each, for some requests were recorded with several answers.
  WireAnswer Send(const RecordedExchange& exchange, const std::string& body,
                  bool only_cached = false) {
    const std::string number = std::to_string(exchange.index);
    client::Headers headers = {
        {"content-type", "application/json"},
        {"authorization", "Bearer test"},
        {"x-recorded", std::string("chat_completions.") + Kind(exchange) + "/" + number},
        {"larder-namespace", std::string(Kind(exchange)) + "-" + number}};
    if (only_cached) headers.Set("cache-control", "only-if-cached");
    if (!connected_) caller_ = WireClient(gateway_.url());
    WireAnswer answer = caller_.Ask("POST", "/openai/v1/chat/completions", body, headers);
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
    const auto assembled = dialect_.Assemble(client::ParseEventStream(exchange.response_body));
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

  const client::Dialect& dialect_ = *client::FindDialect("openai");
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
  if (!exchange.is_stream && has_usage) other["stream_options"] = {{"include_usage", true}};
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
  const auto assembled = dialect_.Assemble(client::ParseEventStream(hit.body));
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
    const bool stored = exchange.status == 200 && answer.is_object() && !IsStateful(request) &&
                        IsStorable(answer, request);
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

TEST_F(LarderdRecordedTest, JsonAnswersAreTheProvidersThenHitsInBothForms) {
  const std::vector<RecordedExchange> exchanges = LoadRecorded("chat_completions.json");
  ASSERT_EQ(exchanges.size(), 653U);
  Replay(exchanges);
  EXPECT_GT(storable_, 500U);
}

TEST_F(LarderdRecordedTest, StreamsAreTheProvidersThenHitsInBothForms) {
  const std::vector<RecordedExchange> exchanges = LoadRecorded("chat_completions.sse");
  ASSERT_EQ(exchanges.size(), 160U);
  Replay(exchanges);
  EXPECT_GT(storable_, 100U);
}

TEST_F(LarderdRecordedTest, StreamsThatAreCutAreNotStored) {
  for (const RecordedExchange& exchange : LoadRecorded("chat_completions.sse")) {
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

}  // namespace
}  // namespace larder::testing
