// Legacy completions: keys, what is stored, and both forms.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dialect.h"
#include "random_json.h"
#include "status_matchers.h"

namespace larder::client {
namespace {

using nlohmann::json;
using testing::HasCode;

const Endpoint& Completions() { return *FindEndpoint("openai.completions"); }

RequestPlan Plan(std::string_view body) { return Completions().Plan(body); }

std::string Reason(std::string_view answer, const StoreRules& rules = {}) {
  return Completions().JudgeJson(Plan("{}"), rules, answer).reason;
}

Event Chunk(const char* data) { return {"", data}; }

TEST(CompletionsPlanTest, EachPromptHasItsChoices) {
  EXPECT_EQ(Plan(R"({"prompt":"a"})").choices, 1u);
  EXPECT_EQ(Plan(R"({"prompt":"a","n":3})").choices, 3u);
  EXPECT_EQ(Plan(R"({"prompt":["a","b"],"n":3})").choices, 6u);
  EXPECT_EQ(Plan(R"({"prompt":[1,2,3]})").choices, 1u);
  EXPECT_EQ(Plan(R"({"prompt":[[1,2],[3]]})").choices, 2u);
}

TEST(CompletionsPlanTest, FieldsOfTheCallerDoNotBelongToTheKey) {
  const RequestPlan plan = Plan(R"({"model":"m","prompt":"p","user":"u","stream":true,
                                    "stream_options":{"include_usage":true},"logprobs":1})");
  EXPECT_EQ(plan.canonical_body, R"({"logprobs":1,"model":"m","prompt":"p"})");
  EXPECT_TRUE(plan.stream);
  EXPECT_TRUE(plan.wants_usage);
}

TEST(CompletionsJudgeTest, TruncatedOnesAreStoredSinceThereIsAlwaysALimit) {
  const char* answer = R"({"choices":[{"text":"a","finish_reason":"length"}]})";
  EXPECT_EQ(Reason(answer), "");
  EXPECT_EQ(Reason(answer, {.truncated = StoreTruncated::kNever}), "truncated");
}

TEST(CompletionsJudgeTest, ErrorsEmptyAndFilteredOnesAreNot) {
  EXPECT_EQ(Reason(R"({"choices":[{"text":"","finish_reason":"stop"}]})"), "empty");
  EXPECT_EQ(Reason(R"({"choices":[{"finish_reason":"stop"}]})"), "invalid");
  EXPECT_EQ(Reason(R"({"choices":[]})"), "empty");
  EXPECT_EQ(Reason(R"({"error":{"message":"x"},"choices":[{"text":"a"}]})"), "error");
  EXPECT_EQ(Reason(R"({"choices":[{"text":"a","finish_reason":"content_filter"}]})"),
            "content_filter");
  EXPECT_EQ(Reason(R"({"choices":[{"text":"a","finish_reason":"content_filter"}]})",
                   {.content_filter = true}),
            "");
}

TEST(CompletionsStreamTest, TextAndLogProbsContinueByChoice) {
  const std::vector<Event> events = {
      Chunk(R"({"id":"c","object":"text_completion","choices":[{"index":1,"text":"x",
              "logprobs":{"tokens":["x"],"text_offset":[0]},"finish_reason":null}],"usage":null})"),
      Chunk(
          R"({"id":"c","object":"text_completion","choices":[{"index":0,"text":"a","logprobs":null,
              "finish_reason":null}],"usage":null})"),
      Chunk(R"({"id":"c","object":"text_completion","choices":[{"index":1,"text":"y",
              "logprobs":{"tokens":["y"],"text_offset":[1]},"finish_reason":"stop"}]})"),
      Chunk(R"({"id":"c","object":"text_completion","choices":[{"index":0,"text":"","logprobs":null,
              "finish_reason":"length"}]})"),
      Chunk(R"({"id":"c","object":"text_completion","choices":[],"usage":{"prompt_tokens":2}})"),
      Chunk("[DONE]")};
  const Result<std::string> answer = Completions().Assemble(events);
  ASSERT_OK(answer);
  EXPECT_EQ(json::parse(*answer),
            json::parse(R"({"id":"c","object":"text_completion","usage":{"prompt_tokens":2},
      "choices":[{"index":0,"text":"a","logprobs":null,"finish_reason":"length"},
                 {"index":1,"text":"xy","logprobs":{"tokens":["x","y"],"text_offset":[0,1]},
                  "finish_reason":"stop"}]})"));
  EXPECT_EQ(Completions().UsageEvent(events), 4u);
}

TEST(CompletionsStreamTest, EveryChoiceOfEveryPromptMustHaveFinished) {
  const RequestPlan plan = Plan(R"({"prompt":["a","b"],"stream":true})");
  std::vector<Event> events = {
      Chunk(R"({"choices":[{"index":0,"text":"a","finish_reason":"stop"}]})")};
  EXPECT_EQ(Completions().JudgeStream(plan, {}, events).reason, "no_end");
  events.push_back(Chunk(R"({"choices":[{"index":1,"text":"b","finish_reason":"stop"}]})"));
  EXPECT_TRUE(Completions().JudgeStream(plan, {}, events).store);
}

TEST(CompletionsSplitTest, WhatIsNotACompletionIsDataLoss) {
  for (const char* text : {"", "[]", "{}", R"({"choices":[]})", R"({"choices":[1]})"}) {
    EXPECT_THAT(Completions().Split(text), HasCode(StatusCode::kDataLoss)) << text;
  }
}

TEST(CompletionsSplitTest, AnyAnswerComesBackWhole) {
  constexpr unsigned kSeed = 2028;
  testing::RandomJson random(kSeed);
  for (int i = 0; i < 1000; ++i) {
    json answer = {{"object", random.Mostly("text_completion")}, {"choices", json::array()}};
    for (const char* name : {"id", "model", "usage", "prompt", "obfuscation", "larder_patch"}) {
      if (random.OneIn(2)) answer[name] = random.Value(2);
    }
    for (std::size_t c = 0, n = 1 + random.Next64() % 3; c < n; ++c) {
      json choice = json::object();
      if (!random.OneIn(8)) choice["text"] = random.Mostly(random.Text());
      if (!random.OneIn(8)) choice["index"] = random.Mostly(c);
      if (!random.OneIn(8)) choice["finish_reason"] = random.Mostly("stop");
      for (const char* name : {"logprobs", "stop_reason", "delta", "message", "seed"}) {
        if (random.OneIn(3)) choice[name] = random.Value(3);
      }
      answer["choices"].push_back(choice);
    }
    const auto events = Completions().Split(answer.dump());
    ASSERT_OK(events) << "seed " << kSeed << " answer " << i << ": " << answer;
    const Result<std::string> back = Completions().Assemble(*events);
    ASSERT_OK(back) << "seed " << kSeed << " answer " << i << ": " << answer;
    ASSERT_EQ(json::parse(*back), answer) << "seed " << kSeed << " answer " << i;
  }
}

}  // namespace
}  // namespace larder::client
