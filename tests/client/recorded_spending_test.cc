// Every recorded answer of every endpoint through the whole stack: what it costs when it is
// computed and what it saves when it is a hit, against the usage that the provider reported, by
// arithmetic that is written down here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "caching_fixture.h"
#include "event_stream.h"
#include "provider_stand_in.h"
#include "recorded.h"

namespace larder::client {
namespace {

using larder::testing::LoadRecorded;
using larder::testing::ProviderStandIn;
using larder::testing::RecordedExchange;
using nlohmann::json;

// Of every model, in micro-USD a token: no two alike, so that no kind can pass for another.
constexpr double kInput = 3;
constexpr double kCached = 0.5;
constexpr double kWritten = 4.25;
constexpr double kWrittenForAnHour = 2 * kInput;
constexpr double kOutput = 17;

double Count(const json& object, const char* name) {
  const json value = object.is_object() ? object.value(name, json()) : json();
  return value.is_number() ? value.get<double>() : 0;
}

struct Reported {
  double input = 0;  // with what was read from the prompt cache and written to it
  double output = 0;
  double microusd = 0;
};

// OpenAI counts what its prompt cache had within the input. Some count their thinking in the total
// alone; DeepSeek and Mistral have names of their own for hits.
Reported OpenAiReport(const json& usage) {
  const bool chat = usage.contains("prompt_tokens");
  const double input = Count(usage, chat ? "prompt_tokens" : "input_tokens");
  const double said = Count(usage, chat ? "completion_tokens" : "output_tokens");
  const double output = std::max(said, Count(usage, "total_tokens") - input);
  const json details = usage.value(chat ? "prompt_tokens_details" : "input_tokens_details", json());
  const bool detailed = details.is_object() && details.contains("cached_tokens");
  const double cached =
      detailed ? Count(details, "cached_tokens")
               : Count(usage, "prompt_cache_hit_tokens") + Count(usage, "num_cached_tokens");
  // One counts the same tokens as read and as written.
  const double written = std::min(Count(details, "cache_write_tokens"), input - cached);
  return {input, output,
          (input - cached - written) * kInput + cached * kCached + written * kWritten +
              output * kOutput};
}

Reported EmbeddingsReport(const json& usage) {
  const double input =
      Count(usage, usage.contains("prompt_tokens") ? "prompt_tokens" : "total_tokens");
  return {input, 0, input * kInput};
}

// Anthropic counts it beside the input.
Reported AnthropicReport(const json& usage) {
  const double plain = Count(usage, "input_tokens");
  const double cached = Count(usage, "cache_read_input_tokens");
  const double written = Count(usage, "cache_creation_input_tokens");
  const double for_an_hour =
      Count(usage.value("cache_creation", json()), "ephemeral_1h_input_tokens");
  const double output = Count(usage, "output_tokens");
  return {plain + cached + written, output,
          plain * kInput + cached * kCached + (written - for_an_hour) * kWritten +
              for_an_hour * kWrittenForAnHour + output * kOutput};
}

struct Recordings {
  const char* file;
  const char* provider;
  const char* target;
  Reported (*report)(const json& usage);
  int with_usage;  // hits that say what they saved; counted from the files
};

void PrintTo(const Recordings& recordings, std::ostream* out) { *out << recordings.file; }

// The usage in a part of an answer, wherever this provider has it.
void LookAt(const json& part, json& usage) {
  if (!part.is_object()) return;
  const json found = part.value("usage", json());
  if (found.is_object() && usage.is_object()) usage.update(found);  // Anthropic's second adds
  if (found.is_object() && !usage.is_object()) usage = found;
  for (const char* inner : {"response", "message"}) LookAt(part.value(inner, json()), usage);
}

json UsageIn(const RecordedExchange& exchange) {
  json usage;
  if (!exchange.is_stream) {
    LookAt(json::parse(exchange.response_body, nullptr, false), usage);
    return usage;
  }
  for (const Event& event : ParseEventStream(exchange.response_body)) {
    LookAt(json::parse(event.data, nullptr, false), usage);
  }
  return usage;
}

// Names of the models that are asked for, and that say they answered.
void AddModels(const RecordedExchange& exchange, std::map<std::string, Price>& prices) {
  const auto add = [&](const json& part) {
    const json model = part.is_object() ? part.value("model", json()) : json();
    if (model.is_string()) prices[model] = {kInput, kOutput, kCached, kWritten};
  };
  add(json::parse(exchange.request_body, nullptr, false));
  if (!exchange.is_stream) return add(json::parse(exchange.response_body, nullptr, false));
  for (const Event& event : ParseEventStream(exchange.response_body)) {
    const json data = json::parse(event.data, nullptr, false);
    add(data);
    if (data.is_object()) add(data.value("response", json()));
    if (data.is_object()) add(data.value("message", json()));
  }
}

class RecordedSpendingTest : public CachingFixture,
                             public ::testing::WithParamInterface<Recordings> {
 protected:
  RecordedSpendingTest()
      : exchanges_(LoadRecorded(GetParam().file)), provider_({.files = {GetParam().file}}) {
    for (const RecordedExchange& exchange : exchanges_) AddModels(exchange, config_.prices);
    ProviderConfig& provider = config_.providers[GetParam().provider];
    provider.base_url = provider_.url();
    provider.retry.max_attempts = 1;
    if (provider_name() == "claude") provider.dialect = "anthropic";
    stack_ = MakeStackWorker(GetParam().provider);
  }
  ~RecordedSpendingTest() override { stack_.reset(); }

  std::string provider_name() const { return GetParam().provider; }
  ProviderStats stats() const { return board_->Snapshot().at(GetParam().provider); }
  Request RequestOf(const RecordedExchange& exchange) const {
    const std::string number = std::to_string(exchange.index);
    Request request;
    request.target = GetParam().target;
    request.headers = {{"content-type", "application/json"},
                       {"x-recorded", std::string(GetParam().file) + "/" + number}};
    request.body = exchange.request_body;
    request.directives.name_space = number;  // some were asked several times
    return request;
  }

  const std::vector<RecordedExchange> exchanges_;
  ProviderStandIn provider_;
  std::unique_ptr<Worker> stack_;
};

TEST_P(RecordedSpendingTest, CallsCostAndHitsSaveWhatTheRecordedUsageComesTo) {
  int with_usage = 0;
  std::uint64_t saved = 0;
  for (const RecordedExchange& exchange : exchanges_) {
    const Request request = RequestOf(exchange);
    const auto charges = std::make_shared<Charges>();
    const ProviderStats before = stats();
    ASSERT_EQ(stack_->Ask(Charged(request, charges)).code, exchange.status);
    const Answer hit = stack_->Ask(request);
    if (!hit.outcome.hit()) {
      WaitForPool();  // where what a long answer costs is counted after its end
      continue;
    }
    EXPECT_EQ(charges->calls, 1) << exchange.source;
    const json usage = UsageIn(exchange);
    if (!usage.is_object()) {
      EXPECT_EQ(hit.outcome.saved_microusd, std::nullopt) << exchange.source;
      EXPECT_GE(charges->microusd, 1U) << "by its time: " << exchange.source;
      continue;
    }
    ++with_usage;
    const Reported reported = GetParam().report(usage);
    const auto whole = static_cast<std::uint64_t>(std::llround(reported.microusd));
    EXPECT_EQ(hit.outcome.saved_microusd, whole) << exchange.source << usage;
    EXPECT_EQ(hit.outcome.saved_input_tokens, reported.input) << exchange.source;
    EXPECT_EQ(hit.outcome.saved_output_tokens, reported.output) << exchange.source;
    // What earlier calls left over of a micro-USD may be in it.
    EXPECT_NEAR(static_cast<double>(charges->microusd), reported.microusd, 1) << exchange.source;
    const ProviderStats after = stats();
    EXPECT_EQ(after.input_tokens - before.input_tokens, reported.input) << exchange.source;
    EXPECT_EQ(after.output_tokens - before.output_tokens, reported.output) << exchange.source;
    EXPECT_EQ(after.microusd - before.microusd, charges->microusd) << exchange.source;
    saved += whole;
  }
  EXPECT_EQ(with_usage, GetParam().with_usage);
  // What tells no usage is estimated and comes on top; items are rounded one by one.
  EXPECT_GE(static_cast<double>(cache_->GetStats().microusd_saved),
            0.999 * static_cast<double>(saved));
}

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kResponses = "/v1/responses";
constexpr const char* kMessages = "/v1/messages";

INSTANTIATE_TEST_SUITE_P(
    All, RecordedSpendingTest,
    ::testing::Values(
        Recordings{"chat_completions.json", "openai", kChat, &OpenAiReport, 632},
        Recordings{"chat_completions.sse", "openai", kChat, &OpenAiReport, 68},
        Recordings{"completions.json", "openai", "/v1/completions", &OpenAiReport, 40},
        Recordings{"completions.sse", "openai", "/v1/completions", &OpenAiReport, 0},
        Recordings{"responses.json", "openai", kResponses, &OpenAiReport, 271},
        Recordings{"responses.sse", "openai", kResponses, &OpenAiReport, 57},
        Recordings{"embeddings.json", "openai", "/v1/embeddings", &EmbeddingsReport, 29},
        Recordings{"anthropic_messages.json", "claude", kMessages, &AnthropicReport, 233},
        Recordings{"anthropic_messages.sse", "claude", kMessages, &AnthropicReport, 50}),
    [](const auto& recordings) {
      std::string name = recordings.param.file;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

}  // namespace
}  // namespace larder::client
