#include "larder/client/llm_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llm_client_fixture.h"
#include "llm_dialect.h"
#include "recorded.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using LlmClientTest = LlmClientFixture;

TEST_F(LlmClientTest, GenerateAnswersAndTheNextIsAHit) {
  std::string seen;
  Serve([&](UpstreamExchange& exchange) {
    seen = exchange.head + exchange.body;
    AnswerChat(exchange);
  });
  const Result<LlmAnswer> miss = client().Generate(Ask(), {.credential = "secret"});
  ASSERT_OK(miss);
  EXPECT_EQ(miss->text(), "Hello there");
  EXPECT_EQ(miss->model, "gpt-4o");
  EXPECT_EQ(miss->choices[0].finish, FinishReason::kStop);
  EXPECT_EQ(miss->usage->input_tokens, 10U);
  EXPECT_EQ(miss->usage->output_tokens, 2U);
  EXPECT_FALSE(miss->cache.hit());
  EXPECT_THAT(seen, HasSubstr("authorization: Bearer secret\r\n"));
  const Result<LlmAnswer> hit = client().Generate(Ask(), {.credential = "secret"});
  ASSERT_OK(hit);
  EXPECT_TRUE(hit->cache.hit());
  EXPECT_EQ(hit->json, miss->json);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(LlmClientTest, ItsCacheForgetsWhatIsInvalidated) {
  Serve(AnswerChat);
  CallOptions options;
  options.directives.tags = {"faq"};
  ASSERT_OK(client().Generate(Ask(), options));
  ASSERT_OK(client().cache()->Invalidate({.tags = {"faq"}}));
  const Result<LlmAnswer> again = client().Generate(Ask(), options);
  ASSERT_OK(again);
  EXPECT_FALSE(again->cache.hit());
  EXPECT_EQ(client().Health().at("openai").calls, 2U);
  options.directives.no_store = true;
  ASSERT_OK(client().Generate(Ask(), options));
  EXPECT_EQ(client().RefusalCounts(), (std::map<std::string, std::uint64_t>{{"no-store", 1}}));
  const auto uncached = LlmClient::Create(config_, nullptr);
  ASSERT_OK(uncached);
  EXPECT_EQ((*uncached)->cache(), nullptr);
}

TEST_F(LlmClientTest, OtherPathsAreAskedForByNameAndCached) {
  std::vector<std::string> targets;
  Serve([&](UpstreamExchange& exchange) {
    targets.push_back(exchange.target);
    if (exchange.target != "/embeddings") return AnswerChat(exchange);
    exchange.Answer(200, "application/json",
                    R"({"data":[{"index":0,"embedding":[0.5]}],"usage":{"total_tokens":1}})");
  });
  const std::string azure = "/openai/deployments/d/chat/completions?api-version=1";
  CallOptions options{.path = azure};
  const auto go_on = [](const LlmEvent&) { return true; };
  ASSERT_OK(client().Generate(Ask(), options));
  const Result<LlmAnswer> hit = client().GenerateStream(Ask(), go_on, options);
  ASSERT_OK(hit);
  EXPECT_TRUE(hit->cache.hit());
  ASSERT_OK(client().GenerateStream(Ask("more"), go_on, options));
  options.path = "/embeddings";
  ASSERT_OK(client().Embed({.model = "e", .inputs = {"a"}}, options));
  EXPECT_THAT(targets, ElementsAre(azure, azure, "/embeddings"));
  options.path = "chat/completions";
  EXPECT_THAT(client().Generate(Ask(), options), testing::HasCode(StatusCode::kInvalidArgument));
}

TEST_F(LlmClientTest, StreamTellsItsPiecesAndGivesTheWhole) {
  Serve(AnswerChat);
  std::string text;
  std::vector<std::string> finish;
  const auto on_event = [&](const LlmEvent& event) {
    if (event.kind == LlmEvent::Kind::kText) text += event.text;
    if (event.kind == LlmEvent::Kind::kFinish) finish.emplace_back(event.text);
    return true;
  };
  for (int i = 0; i < 2; ++i) {  // live, then replayed
    text.clear();
    finish.clear();
    const Result<LlmAnswer> answer = client().GenerateStream(Ask(), on_event);
    ASSERT_OK(answer);
    EXPECT_EQ(text, "Hello there");
    EXPECT_THAT(finish, ElementsAre("stop"));
    EXPECT_EQ(answer->text(), "Hello there");
    EXPECT_EQ(answer->usage->output_tokens, 2U);
    EXPECT_EQ(answer->cache.hit(), i == 1);
    if (i == 0) WaitForStores(1);
  }
}

TEST_F(LlmClientTest, ResponsesAreAskedForByName) {
  std::string target;
  json asked;
  Serve([&](UpstreamExchange& exchange) {
    target = exchange.target;
    asked = json::parse(exchange.body);
    exchange.Answer(200, "application/json", R"({
      "id": "resp_1", "object": "response", "model": "gpt-4o", "status": "completed",
      "error": null, "incomplete_details": null,
      "output": [
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
         "content": [{"type": "output_text", "text": "Hello there", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look",
         "arguments": "{}", "status": "completed"}],
      "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4},
                "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 2},
                "total_tokens": 12}})");
  });
  const CallOptions options{.api = LlmApi::kResponses};
  const Result<LlmAnswer> miss = client().Generate(Ask(), options);
  ASSERT_OK(miss);
  EXPECT_EQ(target, "/v1/responses");
  EXPECT_EQ(asked, json({{"model", "gpt-4o"}, {"input", "hi"}}));
  EXPECT_EQ(miss->text(), "Hello there");
  EXPECT_EQ(miss->choices[0].finish, FinishReason::kToolCalls);
  EXPECT_EQ(miss->usage->cached_input_tokens, 4U);
  EXPECT_EQ(miss->usage->reasoning_tokens, 2U);
  WaitForStores(1);
  std::string told;
  const auto on_event = [&](const LlmEvent& event) {
    if (event.kind == LlmEvent::Kind::kReasoning) told += "(" + std::string(event.text) + ")";
    if (event.kind == LlmEvent::Kind::kText) told += event.text;
    if (!event.name.empty()) told += " " + std::string(event.name) + " " + std::string(event.id);
    if (event.kind == LlmEvent::Kind::kFinish) told += " " + std::string(event.text);
    return true;
  };
  const Result<LlmAnswer> hit = client().GenerateStream(Ask(), on_event, options);
  ASSERT_OK(hit);
  EXPECT_TRUE(hit->cache.hit());
  EXPECT_EQ(hit->usage->reasoning_tokens, 2U);
  EXPECT_EQ(told, "(Hm.)Hello there look call_1 completed");
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(LlmClientTest, StreamThatEndsInAnErrorSaysWhichAndQuotesNothing) {
  const std::string said = R"("message":"a secret of the prompt")";
  std::string event;
  Serve([&](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/event-stream", "data: " + event + "\n\n");
  });
  const auto complaint = [&](LlmApi api) {
    const auto ignore = [](const LlmEvent&) { return true; };
    const Status status = client().GenerateStream(Ask(), ignore, {.api = api}).status();
    EXPECT_EQ(status.code(), StatusCode::kUnavailable);
    return status.message();
  };
  event = R"({"error":{"type":"server_error","code":"overloaded",)" + said + "}}";
  EXPECT_EQ(complaint(LlmApi::kChat),
            "the provider ended its stream with an error: server_error, overloaded");
  event = R"({"type":"error","code":"rate_limit_exceeded",)" + said + "}";
  EXPECT_EQ(complaint(LlmApi::kResponses),
            "the provider ended its stream with an error: error, rate_limit_exceeded");
  event = R"({"type":"response.failed","response":{"error":{"code":"server_error",)" + said + "}}}";
  EXPECT_EQ(complaint(LlmApi::kResponses),
            "the provider ended its stream with an error: server_error");
}

TEST_F(LlmClientTest, CutStreamIsNoAnswer) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0] + ChatEvents(true)[1]);
    exchange.EndChunks();
  });
  const auto go_on = [](const LlmEvent&) { return true; };
  EXPECT_EQ(client().GenerateStream(Ask(), go_on).status().code(), StatusCode::kDataLoss);
}

TEST_F(LlmClientTest, StreamWithFewerChoicesThanWereAskedForIsNoAnswerWithoutItsEndMark) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/event-stream",
                    R"(data: {"choices":[{"index":0,"delta":{"role":"assistant",)"
                    R"("content":"Hi"},"finish_reason":"stop"}]})"
                    "\n\n");
  });
  const auto go_on = [](const LlmEvent&) { return true; };
  EXPECT_OK(client().GenerateStream(Ask(), go_on));
  LlmRequest both = Ask();
  both.extra = R"({"n":2})";
  EXPECT_THAT(client().GenerateStream(both, go_on), testing::HasCode(StatusCode::kDataLoss));
}

TEST_F(LlmClientTest, CodeOfAnErrorTellsTroubleFromWrongCalls) {
  int status = 0;
  Serve([&](UpstreamExchange& exchange) { exchange.Answer(status, "application/json", "{}"); });
  config_.providers["openai"].retry.max_attempts = 1;
  const std::map<int, StatusCode> expected = {
      {400, StatusCode::kInvalidArgument},   {401, StatusCode::kInvalidArgument},
      {404, StatusCode::kInvalidArgument},   {408, StatusCode::kUnavailable},
      {409, StatusCode::kUnavailable},       {422, StatusCode::kInvalidArgument},
      {429, StatusCode::kResourceExhausted}, {500, StatusCode::kUnavailable},
      {504, StatusCode::kUnavailable},       {529, StatusCode::kUnavailable}};
  for (const auto& [answered, code] : expected) {
    status = answered;
    EXPECT_THAT(client().Generate(Ask()), testing::HasCode(code)) << answered;
  }
  CallOptions options;
  options.directives.only_if_cached = true;
  EXPECT_THAT(client().Generate(Ask(), options), testing::HasCode(StatusCode::kNotFound));
  options.directives.no_store = true;
  EXPECT_THAT(client().Generate(Ask(), options), testing::HasCode(StatusCode::kNotFound));
}

TEST_F(LlmClientTest, ErrorIsACodeWithoutTheProvidersTextAndTheAnswerWhoAsksForIt) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(
        400, "application/json",
        R"({"error":{"message":"your prompt `hi` is bad","type":"invalid_request_error",)"
        R"("param":null,"code":"bad"}})");
  });
  CachingClient::Answer error;
  const Status status = client().Generate(Ask(), {.error = &error}).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "the provider answered 400: invalid_request_error, bad");
  EXPECT_EQ(error.head.status, 400);
  EXPECT_THAT(error.body, HasSubstr("your prompt"));
}

TEST_F(LlmClientTest, ErrorInTheFormOfAStreamIsTheSameError) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(429, "text/event-stream",
                    "data: {\"error\":{\"type\":\"rate_limit_error\",\"code\":\"slow_down\","
                    "\"message\":\"your prompt `hi`\"}}\n\n");
  });
  config_.providers["openai"].retry.max_attempts = 1;
  CachingClient::Answer error;
  int events = 0;
  const auto count = [&](const LlmEvent&) { return ++events > 0; };
  const Status status = client().GenerateStream(Ask(), count, {.error = &error}).status();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "the provider answered 429: rate_limit_error, slow_down");
  EXPECT_EQ(events, 0);
  EXPECT_EQ(error.head.status, 429);
  EXPECT_THAT(error.body, HasSubstr("your prompt"));
}

TEST_F(LlmClientTest, ProviderInTroubleIsUnavailable) {
  Serve([](UpstreamExchange& exchange) { exchange.Close(); });
  EXPECT_EQ(client().Generate(Ask()).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(upstream_->requests(), 3);
}

TEST_F(LlmClientTest, EmbeddingsComeInTheOrderOfTheirInputs) {
  std::string seen;
  Serve([&](UpstreamExchange& exchange) {
    seen = exchange.body;
    exchange.Answer(200, "application/json",
                    R"({"object":"list","model":"e","data":[)"
                    R"({"object":"embedding","index":1,"embedding":[0.5,-1]},)"
                    R"({"object":"embedding","index":0,"embedding":[0.25,2]}],)"
                    R"("usage":{"prompt_tokens":4,"total_tokens":4}})");
  });
  CallOptions options;
  options.directives.no_store = true;
  const Result<EmbeddingAnswer> answer =
      client().Embed({.model = "e", .inputs = {"a", "b"}, .dimensions = 2}, options);
  ASSERT_OK(answer);
  EXPECT_THAT(answer->vectors, ElementsAre(ElementsAre(0.25F, 2.0F), ElementsAre(0.5F, -1.0F)));
  EXPECT_EQ(answer->usage->input_tokens, 4U);
  EXPECT_EQ(json::parse(seen)["dimensions"], 2);
  EXPECT_EQ(client().Embed({.model = "e", .inputs = {}}).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(client().Embed({.model = "e", .inputs = {"a"}}, options).status().code(),
            StatusCode::kDataLoss);
}

TEST_F(LlmClientTest, OnlyEmbeddingsThatAreMissingAreAskedFor) {
  std::vector<json> asked;
  Serve([&](UpstreamExchange& exchange) {
    const json input = json::parse(exchange.body)["input"];
    asked.push_back(input);
    json answer = {{"model", "e"}, {"usage", {{"total_tokens", 5 * input.size()}}}};
    for (std::size_t i = 0; i < input.size(); ++i) {
      answer["data"].push_back({{"index", i}, {"embedding", {input[i].dump().size() + 0.5}}});
    }
    exchange.Answer(200, "application/json", answer.dump());
  });
  const auto embed = [this](std::vector<std::string> inputs) {
    Result<EmbeddingAnswer> answer = client().Embed({.model = "e", .inputs = std::move(inputs)});
    EXPECT_OK(answer);
    return *std::move(answer);
  };
  const EmbeddingAnswer miss = embed({"ab", "c"});
  EXPECT_THAT(miss.vectors, ElementsAre(ElementsAre(4.5F), ElementsAre(3.5F)));
  EXPECT_EQ(miss.usage->input_tokens, 10U) << "where only the total is told";
  const EmbeddingAnswer hit = embed({"c", "ab"});
  EXPECT_TRUE(hit.cache.hit());
  EXPECT_THAT(hit.vectors, ElementsAre(ElementsAre(3.5F), ElementsAre(4.5F)));
  EXPECT_EQ(hit.usage->input_tokens, 10U);
  const EmbeddingAnswer partly = embed({"ab", "def"});
  EXPECT_EQ(partly.cache.forward, Forward::kPartial);
  EXPECT_THAT(partly.vectors, ElementsAre(ElementsAre(4.5F), ElementsAre(5.5F)));
  EXPECT_THAT(asked, ElementsAre(json({"ab", "c"}), json::array({"def"})));
}

TEST_F(LlmClientTest, EmbeddingsOfTokensAreThoseOfListsOfNumbers) {
  std::vector<json> asked;
  Serve([&](UpstreamExchange& exchange) {
    const json input = json::parse(exchange.body)["input"];
    asked.push_back(input);
    json answer = {{"model", "e"}, {"data", json::array()}};
    for (std::size_t i = 0; i < input.size(); ++i) {
      answer["data"].push_back({{"index", i}, {"embedding", {input[i].size() + 0.5}}});
    }
    exchange.Answer(200, "application/json", answer.dump());
  });
  const auto embed = [this](std::vector<std::vector<std::int64_t>> tokens) {
    Result<EmbeddingAnswer> answer =
        client().Embed({.model = "e", .token_inputs = std::move(tokens)});
    EXPECT_OK(answer);
    return *std::move(answer);
  };
  EXPECT_THAT(embed({{1, 2}, {3}}).vectors, ElementsAre(ElementsAre(2.5F), ElementsAre(1.5F)));
  EXPECT_TRUE(embed({{3}, {1, 2}}).cache.hit());
  const EmbeddingAnswer partly = embed({{1, 2}, {4, 5, 6}});
  EXPECT_EQ(partly.cache.forward, Forward::kPartial);
  EXPECT_THAT(partly.vectors, ElementsAre(ElementsAre(2.5F), ElementsAre(3.5F)));
  EXPECT_THAT(asked, ElementsAre(json::parse("[[1,2],[3]]"), json::parse("[[4,5,6]]")));
}

TEST_F(LlmClientTest, EmbeddingsAreOfTextsOrOfTokens) {
  Serve(AnswerChat);
  EXPECT_THAT(client().Embed({.model = "e", .inputs = {"a"}, .token_inputs = {{1}}}),
              testing::HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(client().Embed({.model = "e"}), testing::HasCode(StatusCode::kInvalidArgument));
  EXPECT_EQ(upstream_->requests(), 0);
}

TEST_F(LlmClientTest, ProviderMustBeNamedWhereThereAreSeveral) {
  Serve(AnswerChat);
  config_.providers["other"].base_url = upstream_->base_url();
  EXPECT_EQ(client().Generate(Ask()).status().message(), "name the provider: there are 2");
  EXPECT_EQ(client().Generate(Ask(), {.provider = "none"}).status().message(),
            "no provider `none`");
  EXPECT_OK(client().Generate(Ask(), {.provider = "other"}));
}

TEST_F(LlmClientTest, OneLineBuildsAllFromAConfiguration) {
  Serve(AnswerChat);
  const ConfigSources sources{
      .environment = {{"LARDER__CACHE__DIRECTORY", dir_ / "own"},
                      {"LARDER__PROVIDERS__OPENAI__BASE_URL", upstream_->base_url()}}};
  const Result<std::unique_ptr<LlmClient>> llm = LlmClient::Open(sources);
  ASSERT_OK(llm);
  const CallOptions options{.provider = "openai"};  // there is `anthropic` besides
  EXPECT_OK((*llm)->Generate(Ask(), options));
  const Result<LlmAnswer> again = (*llm)->Generate(Ask(), options);
  ASSERT_OK(again);
  EXPECT_TRUE(again->cache.hit());
}

}  // namespace
}  // namespace larder::client
