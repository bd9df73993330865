// Which recorded answers have a built-in price, and whether it is what the provider itself says
// that the answer cost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cost.h"
#include "dialect.h"
#include "recorded.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::Pair;
using testing::RecordedExchange;
using ::testing::UnorderedElementsAre;

struct Priced {
  std::string host;
  std::string model;
  std::optional<double> microusd;  // at the built-in price
  std::optional<double> reported;  // in usage.cost
};

std::string HostOf(const RecordedExchange& exchange) {
  const std::size_t begin = exchange.url.find("://") + 3;
  return exchange.url.substr(begin, exchange.url.find('/', begin) - begin);
}

std::optional<double> ReportedCost(const RecordedExchange& exchange) {
  const json answer = json::parse(exchange.response_body, nullptr, false);
  const json cost = answer.at("usage").value("cost", json());
  if (!cost.is_number()) return std::nullopt;
  return cost.get<double>() * 1e6;
}

// All complete JSON answers that tell their usage.
std::vector<Priced> PricedAnswers() {
  const std::pair<const char*, const char*> kFiles[] = {
      {"chat_completions.json", "openai.chat"},
      {"completions.json", "openai.completions"},
      {"responses.json", "openai.responses"},
      {"embeddings.json", "openai.embeddings"},
      {"anthropic_messages.json", "anthropic.messages"}};
  std::vector<Priced> all;
  for (const auto& [file, name] : kFiles) {
    const Endpoint& endpoint = *FindEndpoint(name);
    for (const RecordedExchange& exchange : testing::LoadRecorded(file)) {
      if (exchange.status != 200) continue;
      const RequestPlan plan = endpoint.Plan(exchange.request_body);
      const Verdict verdict = endpoint.JudgeJson(plan, {}, exchange.response_body);
      if (!verdict.usage) continue;
      Priced& one = all.emplace_back();
      one.host = HostOf(exchange);
      one.model = verdict.model;
      const auto price = FindPrice({}, {exchange.url, verdict.model, plan.model});
      if (price) one.microusd = ExactMicrousd(*verdict.usage, *price);
      one.reported = ReportedCost(exchange);
    }
  }
  return all;
}

// A host that is missing here has a price for each of its answers.
TEST(RecordedPricesTest, AnswersWithoutAPriceAreFewAndKnown) {
  std::map<std::string, int> without;
  int with = 0;
  for (const Priced& answer : PricedAnswers()) {
    if (answer.microusd) {
      ++with;
    } else {
      ++without[answer.host];
    }
  }
  EXPECT_THAT(without,
              ElementsAre(Pair("api.cerebras.ai", 6), Pair("api.groq.com", 2),
                          Pair("api.inference.crusoecloud.com", 4),
                          Pair("api.openai.com", 27),  // davinci-002 answers by another name
                          Pair("api.z.ai", 3), Pair("bedrock-mantle.us-east-1.api.aws", 7),
                          Pair("localhost:11434", 1), Pair("localhost:8000", 8),
                          Pair("myorg-myaccount.snowflakecomputing.com", 1), Pair("ollama.com", 3),
                          Pair("openrouter.ai", 4)));
  EXPECT_GE(with, 1'200);
}

TEST(RecordedPricesTest, TheyAreWhatOpenRouterSaysBarWhatTokensDoNotTell) {
  std::vector<std::string> others;
  int same = 0;
  for (const Priced& answer : PricedAnswers()) {
    if (!answer.reported || !answer.microusd) continue;
    if (std::abs(*answer.reported - *answer.microusd) < 0.01) {
      ++same;
    } else {
      others.push_back(answer.model);
    }
  }
  EXPECT_EQ(same, 33);
  EXPECT_THAT(others, UnorderedElementsAre(
                          // A search of the web, which is charged by the call.
                          "openai/gpt-4o-mini", "openai/gpt-4.1-mini", "openai/gpt-5.1-codex-mini",
                          "deepseek/deepseek-chat",
                          // With a key of the caller's own, which somebody else charges.
                          "google/gemini-2.5-flash", "google/gemini-2.5-flash",
                          // The price of the prompt cache was another then.
                          "google/gemini-2.5-flash", "google/gemini-2.5-flash",
                          // Served by a host that asks more than the one that the table is from.
                          "qwen/qwen3-30b-a3b-instruct-2507", "z-ai/glm-4.6"));
}

}  // namespace
}  // namespace larder::client
