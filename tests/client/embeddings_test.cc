// Embeddings item by item: parts of a batch, shares of usage, and both forms of a vector.
#include "embeddings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "dialect.h"
#include "recorded.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

const Endpoint& Embeddings() { return *FindEndpoint("openai.embeddings"); }

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

std::vector<std::string> ItemsOf(std::string_view body) {
  return Embeddings().Plan(body).batch->items;
}

TEST(EmbeddingsPlanTest, InputsAreTextsOrListsOfTokens) {
  EXPECT_THAT(ItemsOf(R"({"input":"a"})"), ElementsAre(R"("a")"));
  EXPECT_THAT(ItemsOf(R"({"input":["a", "b,]", "a"]})"),
              ElementsAre(R"("a")", R"("b,]")", R"("a")"));
  EXPECT_THAT(ItemsOf(R"({"input":[1, 2]})"), ElementsAre("[1,2]"));
  EXPECT_THAT(ItemsOf(R"({"input":[[1, 2],[3]]})"), ElementsAre("[1,2]", "[3]"));
  for (const char* body : {"{}", R"({"prompt":"p"})", R"({"input":[]})"}) {
    EXPECT_EQ(Embeddings().Plan(body).bypass, "no-input") << body;
  }
}

TEST(EmbeddingsPlanTest, MoreInputsThanAnyProviderTakesBypass) {
  std::string inputs = R"("a")";
  for (std::size_t i = 1; i < kMaxBatchItems; ++i) inputs += R"(,"a")";
  EXPECT_EQ(Embeddings().Plan("{\"input\":[" + inputs + "]}").bypass, "");
  EXPECT_EQ(Embeddings().Plan("{\"input\":[" + inputs + R"(,"a"]})").bypass, "too-complex");
}

// It is hashed once for each of them.
TEST(EmbeddingsPlanTest, ManyInputsBesideALongFieldBypass) {
  std::string inputs = "[0]";
  for (std::size_t i = 1; i < kMaxBatchItems; ++i) inputs += ",[" + std::to_string(i) + "]";
  const auto bypass = [&](std::size_t bytes) {
    const std::string field(bytes, 'x');
    return Embeddings().Plan(R"({"new":")" + field + R"(","input":[)" + inputs + "]}").bypass;
  };
  EXPECT_EQ(bypass(std::size_t{1} << 20), "too-complex");
  EXPECT_EQ(bypass(std::size_t{4} << 10), "too-complex");
  EXPECT_EQ(bypass(std::size_t{3} << 10), "");
}

// Were all of them gone through for each, this would take minutes.
TEST(EmbeddingsPlanTest, ABodyOfAsManyFieldsAsAreReadIsPlannedAtOnce) {
  std::string body = R"({"input":"x")";
  for (std::size_t i = 0; i < kMaxJsonValues - 2; ++i) body += ",\"" + std::to_string(i) + "\":0";
  const RequestPlan plan = Embeddings().Plan(body + "}");
  EXPECT_EQ(plan.bypass, "");
  EXPECT_EQ(plan.batch->KeyBodyOf(R"("x")"), plan.canonical_body);
}

TEST(EmbeddingsPlanTest, AnItemIsKeyedAsARequestForItAlone) {
  const RequestPlan batch =
      Embeddings().Plan(R"({"user":"u","input":["a","b"],"model":"m","encoding_format":"base64"})");
  EXPECT_EQ(batch.batch->KeyBodyOf(R"("a")"),
            Embeddings().Plan(R"({"model":"m","input":"a"})").canonical_body);
  EXPECT_EQ(batch.batch->RequestFor({R"("b")", R"("c")"}),
            R"({"encoding_format":"base64","input":["b","c"],"model":"m","user":"u"})");
  EXPECT_EQ(batch.batch->wanted, VectorForm::kBase64);
  EXPECT_EQ(Embeddings().Plan(R"({"input":"a"})").batch->wanted, VectorForm::kFloats);
}

TEST(EmbeddingsSplitTest, SharesOfUsageSumToTheBatchs) {
  const std::vector<std::string> items = {R"("a")", R"("bbbbbbbb")", R"("cc")"};
  const BatchAnswer split = SplitBatchAnswer(
      R"({"object":"list","data":[{"index":2,"embedding":[0.3]},{"index":0,"embedding":[0.1]},
          {"index":1,"embedding":[0.2]}],"model":"m","usage":{"prompt_tokens":10,"total_tokens":11,
          "details":{"cached":1,"note":"x"}}})",
      Views(items));
  ASSERT_EQ(split.problem, "");
  ASSERT_EQ(split.items.size(), 3u);
  json sum = {{"prompt_tokens", 0}, {"total_tokens", 0}, {"cached", 0}};
  for (const std::string& text : split.items) {
    const json item = json::parse(text);
    EXPECT_EQ(item["model"], "m");
    EXPECT_EQ(item["data"].size(), 1u);
    EXPECT_EQ(item["data"][0]["index"], 0);
    for (const char* name : {"prompt_tokens", "total_tokens"}) {
      sum[name] = sum[name].get<int>() + item["usage"][name].get<int>();
    }
    sum["cached"] = sum["cached"].get<int>() + item["usage"]["details"]["cached"].get<int>();
  }
  EXPECT_EQ(sum, json::parse(R"({"prompt_tokens":10,"total_tokens":11,"cached":1})"));
  EXPECT_EQ(json::parse(split.items[1])["data"][0]["embedding"], json::parse("[0.2]"));
  EXPECT_EQ(json::parse(split.items[1])["usage"]["prompt_tokens"], 6) << "10 of 17 bytes";
}

TEST(EmbeddingsSplitTest, WhatIsNoAnswerToTheItemsIsRefused) {
  const std::vector<std::string> items = {R"("a")", R"("b")"};
  const auto problem = [&](const char* answer) {
    return SplitBatchAnswer(answer, Views(items)).problem;
  };
  EXPECT_EQ(problem(R"({"error":{"message":"x"}})"), "error");
  EXPECT_EQ(problem(R"({"data":[{"index":0,"embedding":[1]}]})"), "invalid") << "one is missing";
  EXPECT_EQ(problem(R"({"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]})"),
            "invalid")
      << "an index twice";
  EXPECT_EQ(problem(R"({"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[2]}]})"),
            "invalid");
  EXPECT_EQ(problem(R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":null}]})"),
            "invalid");
  EXPECT_EQ(problem(R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[]}]})"),
            "empty");
  EXPECT_EQ(problem(R"({"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[2]}]})"), "");
  EXPECT_EQ(problem(R"({"data":[{"embedding":[1]},{"embedding":[2]}]})"), "") << "by position";
  EXPECT_EQ(problem(R"({"data":[)"), "invalid");
  EXPECT_EQ(problem("[]"), "invalid");
}

// Some answer null where their model came to no number.
TEST(EmbeddingsSplitTest, WhatIsNoVectorIsRefused) {
  const auto problem = [](const std::string& vector) {
    const std::string answer = R"({"data":[{"embedding":)" + vector + "}]}";
    return SplitBatchAnswer(answer, {R"("a")"}).problem;
  };
  for (const char* vector :
       {"[null]", "[0.5,null]", R"(["0.5"])", "[true]", "[{}]", "0.5", "{}", R"("not base64!")"}) {
    EXPECT_EQ(problem(vector), "invalid") << vector;
  }
  for (const char* vector :
       {"[ 0.5,\n-1e-05, 2E+3 ]", "[[0.5],[1]]", R"("AAAAPw==")", R"("\/\/8=")", R"("_-8=")"}) {
    EXPECT_EQ(problem(vector), "") << vector;
  }
}

TEST(EmbeddingsComposeTest, EqualItemsCountTwiceAndGetTheirIndexes) {
  const RequestPlan plan = Embeddings().Plan(R"({"input":["a","b","a"]})");
  const std::string a = R"({"data":[{"index":0,"embedding":[0.5]}],"usage":{"total_tokens":3}})";
  const std::string b = R"({"data":[{"index":0,"embedding":[0.25]}],"usage":{"total_tokens":4}})";
  std::vector<std::size_t> unfit;
  const auto composed = ComposeBatchAnswer(*plan.batch, {a, b, a}, unfit);
  ASSERT_TRUE(composed.has_value());
  EXPECT_EQ(*composed, R"({"data":[{"index":0,"embedding":[0.5]},{"index":1,"embedding":[0.25]},)"
                       R"({"index":2,"embedding":[0.5]}],"usage":{"total_tokens":10}})");
}

TEST(EmbeddingsComposeTest, AllThatDoesNotFitIsTold) {
  const RequestPlan plan =
      Embeddings().Plan(R"({"input":["a","b","c"],"encoding_format":"base64"})");
  const std::string exact = R"({"data":[{"index":0,"embedding":[0.5]}]})";
  const std::string inexact = R"({"data":[{"index":0,"embedding":[0.1]}]})";
  std::vector<std::size_t> unfit;
  EXPECT_FALSE(ComposeBatchAnswer(*plan.batch, {inexact, exact, inexact}, unfit).has_value());
  EXPECT_THAT(unfit, ElementsAre(0u, 2u));
  EXPECT_TRUE(ComposeBatchAnswer(*plan.batch, {exact, exact, exact}, unfit).has_value());
  EXPECT_TRUE(unfit.empty());
}

TEST(EmbeddingsComposeTest, ADatatypeThatIsNotFloatsIsNotConverted) {
  const std::string bytes = R"({"data":[{"index":0,"embedding":"AAAAAA=="}]})";
  std::vector<std::size_t> unfit;
  const auto compose = [&](const char* request) {
    return ComposeBatchAnswer(*Embeddings().Plan(request).batch, {bytes}, unfit).has_value();
  };
  EXPECT_TRUE(compose(R"({"input":"a","output_dtype":"float"})"));
  EXPECT_FALSE(compose(R"({"input":"a","output_dtype":"int8"})"));
  EXPECT_THAT(unfit, ElementsAre(0u));
  EXPECT_TRUE(compose(R"({"input":"a","output_dtype":"int8","encoding_format":"base64"})"));
}

TEST(VectorTextTest, FloatsAndBase64AreTheSameNumbers) {
  const std::string base64 = R"("AAAAPwAAgL4AAACAzczMPQ==")";  // 0.5, -0.25, -0.0, 0.1f
  const auto floats = VectorAs(VectorForm::kFloats, base64);
  ASSERT_TRUE(floats.has_value());
  EXPECT_EQ(*floats, "[0.5,-0.25,-0.0,0.10000000149011612]");
  EXPECT_EQ(VectorAs(VectorForm::kBase64, *floats), base64);
  EXPECT_EQ(VectorAs(VectorForm::kBase64, base64), base64);
  EXPECT_EQ(VectorAs(VectorForm::kFloats, "[ 1, 2 ]"), "[ 1, 2 ]");
}

TEST(VectorTextTest, WhatIsNotExactIsNotConverted) {
  for (const char* floats : {"[0.1]", "[1e39]", "[1,null]", "[\"1\"]", "[16777217]"}) {
    EXPECT_FALSE(VectorAs(VectorForm::kBase64, floats)) << floats;
  }
  for (const char* base64 : {R"("AAA=")", R"("AAAA")", R"("!!!!")", R"("AACAfw==")", R"("A")"}) {
    EXPECT_FALSE(VectorAs(VectorForm::kFloats, base64)) << base64;
  }
  EXPECT_FALSE(VectorAs(VectorForm::kFloats, "null"));
}

// Recorded answers, taken apart and put together again, are equal, also through the other form.
TEST(EmbeddingsRecordedTest, EveryBatchComesBackFromItsItems) {
  int compared = 0;
  int converted = 0;
  for (const auto& exchange : testing::LoadRecorded("embeddings.json")) {
    const RequestPlan plan = Embeddings().Plan(exchange.request_body);
    if (!plan.bypass.empty()) {
      EXPECT_EQ(exchange.index, 20) << "the one without an input";
      continue;
    }
    EXPECT_TRUE(Embeddings().JudgeJson(plan, {}, exchange.response_body).store);
    const BatchAnswer split = SplitBatchAnswer(exchange.response_body, Views(plan.batch->items));
    ASSERT_EQ(split.problem, "") << exchange.source;
    std::vector<std::size_t> unfit;
    const auto whole = ComposeBatchAnswer(*plan.batch, Views(split.items), unfit);
    ASSERT_TRUE(whole.has_value()) << exchange.source;
    EXPECT_EQ(json::parse(*whole), json::parse(exchange.response_body)) << exchange.source;
    ++compared;
    EmbeddingsBatch other = *plan.batch;
    other.wanted = VectorForm::kFloats;
    const auto floats = ComposeBatchAnswer(other, Views(split.items), unfit);
    if (plan.batch->wanted != VectorForm::kBase64) continue;
    ASSERT_TRUE(floats.has_value()) << exchange.source;
    ++converted;
    const BatchAnswer again = SplitBatchAnswer(*floats, Views(plan.batch->items));
    const auto back = ComposeBatchAnswer(*plan.batch, Views(again.items), unfit);
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(json::parse(*back), json::parse(exchange.response_body)) << exchange.source;
  }
  EXPECT_EQ(compared, 29);
  EXPECT_EQ(converted, 23);
}

}  // namespace
}  // namespace larder::client
