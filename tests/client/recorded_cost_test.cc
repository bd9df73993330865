// What recorded answers cost at the built-in prices, against sums of the providers' own counts that
// are written down here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cost.h"
#include "dialect.h"
#include "recorded.h"

namespace larder::client {
namespace {

using nlohmann::json;
using testing::RecordedExchange;

// USD per million tokens.
struct Rates {
  double input;
  double cached;
  double write;
  double output;
};

double Count(const json& object, const char* name) {
  const json value = object.is_object() ? object.value(name, json()) : json();
  return value.is_number() ? value.get<double>() : 0;
}

// Anthropic counts what it reads from its prompt cache, and what it writes, beside the input.
double AnthropicCost(const json& usage, const Rates& rates) {
  return Count(usage, "input_tokens") * rates.input +
         Count(usage, "cache_read_input_tokens") * rates.cached +
         Count(usage, "cache_creation_input_tokens") * rates.write +
         Count(usage, "output_tokens") * rates.output;
}

// OpenAI counts it within the input.
double OpenAiCost(const json& usage, const Rates& rates) {
  const bool chat = usage.contains("prompt_tokens");
  const double input = Count(usage, chat ? "prompt_tokens" : "input_tokens");
  const json details = usage.value(chat ? "prompt_tokens_details" : "input_tokens_details", json());
  const double cached = Count(details, "cached_tokens");  // of embeddings, none
  return (input - cached) * rates.input + cached * rates.cached +
         Count(usage, chat ? "completion_tokens" : "output_tokens") * rates.output;
}

struct Answers {
  const char* file;
  const char* endpoint;
  const char* base_url;
  const char* model;
  Rates rates;
  double (*cost)(const json& usage, const Rates& rates);
  int least;  // so many there must be
};

void PrintTo(const Answers& answers, std::ostream* out) { *out << answers.model; }

class RecordedCostTest : public ::testing::TestWithParam<Answers> {};

TEST_P(RecordedCostTest, CostIsTheRecordedUsageAtItsPrices) {
  const Answers& answers = GetParam();
  const Endpoint& endpoint = *FindEndpoint(answers.endpoint);
  int compared = 0;
  for (const RecordedExchange& exchange : testing::LoadRecorded(answers.file)) {
    const json answer = json::parse(exchange.response_body, nullptr, false);
    if (!answer.is_object() || answer.value("model", json()) != answers.model) continue;
    const RequestPlan plan = endpoint.Plan(exchange.request_body);
    const Verdict verdict = endpoint.JudgeJson(plan, {}, exchange.response_body);
    if (!verdict.usage) continue;
    const auto price = FindPrice({}, {answers.base_url, verdict.model, plan.model});
    ASSERT_TRUE(price.has_value());
    EXPECT_NEAR(ExactMicrousd(*verdict.usage, *price), answers.cost(answer["usage"], answers.rates),
                1e-6)
        << exchange.source;
    ++compared;
  }
  EXPECT_GE(compared, answers.least);
}

INSTANTIATE_TEST_SUITE_P(All, RecordedCostTest,
                         ::testing::Values(Answers{"anthropic_messages.json",
                                                   "anthropic.messages",
                                                   "https://api.anthropic.com",
                                                   "claude-sonnet-4-5-20250929",
                                                   {3, 0.3, 3.75, 15},
                                                   &AnthropicCost,
                                                   150},
                                           Answers{"chat_completions.json",
                                                   "openai.chat",
                                                   "https://api.openai.com",
                                                   "gpt-4o-2024-08-06",
                                                   {2.5, 1.25, 0, 10},
                                                   &OpenAiCost,
                                                   100},
                                           Answers{"chat_completions.json",
                                                   "openai.chat",
                                                   "https://api.openai.com",
                                                   "gpt-5-mini-2025-08-07",
                                                   {0.25, 0.025, 0, 2},
                                                   &OpenAiCost,
                                                   40},
                                           Answers{"responses.json",
                                                   "openai.responses",
                                                   "https://api.openai.com",
                                                   "gpt-5-2025-08-07",
                                                   {1.25, 0.125, 0, 10},
                                                   &OpenAiCost,
                                                   30},
                                           Answers{"embeddings.json",
                                                   "openai.embeddings",
                                                   "https://api.openai.com",
                                                   "text-embedding-3-small",
                                                   {0.02, 0, 0, 0},
                                                   &OpenAiCost,
                                                   3},
                                           Answers{"embeddings.json",
                                                   "openai.embeddings",
                                                   "https://api.openai.com",
                                                   "text-embedding-3-large",
                                                   {0.13, 0, 0, 0},
                                                   &OpenAiCost,
                                                   4},
                                           Answers{"embeddings.json",
                                                   "openai.embeddings",
                                                   "https://api.openai.com",
                                                   "text-embedding-ada-002",
                                                   {0.1, 0, 0, 0},
                                                   &OpenAiCost,
                                                   5}));

}  // namespace
}  // namespace larder::client
