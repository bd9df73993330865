#include "larder/client/llm_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "caching_fixture.h"
#include "llm_dialect.h"
#include "recorded.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class LlmClientTest : public CachingFixture {
 protected:
  LlmClient& client() {
    if (client_ == nullptr) {
      config_.providers["openai"].base_url = upstream_->base_url();
      config_.providers["openai"].retry.base_delay = Duration(1);
      Result<std::unique_ptr<LlmClient>> client = LlmClient::Create(config_, cache_.get());
      EXPECT_OK(client);
      client_ = *std::move(client);
    }
    return *client_;
  }
  static LlmRequest Ask(const std::string& prompt = "hi") {
    return {.model = "gpt-4o", .messages = {Message::Of(Role::kUser, prompt)}};
  }

  std::unique_ptr<LlmClient> client_;  // goes before the cache
};

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

TEST_F(LlmClientTest, SlowReaderHoldsTheProviderUp) {
  std::atomic<int> sent = 0;
  Serve([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    const std::string padding = ": " + std::string(100'000, 'x') + "\n\n";
    exchange.Chunk(ChatEvents(true)[0]);
    exchange.Chunk(ChatEvents(true)[1]);
    for (; sent < 300 && exchange.Chunk(padding); ++sent) asked_.Open();
    for (std::size_t i = 2; i < ChatEvents(true).size(); ++i) exchange.Chunk(ChatEvents(true)[i]);
    exchange.EndChunks();
  });
  CallOptions options;
  options.directives.no_store = true;  // a flight keeps all for those who join it
  int held_at = 0;
  const Result<LlmAnswer> answer = client().GenerateStream(
      Ask(),
      [&](const LlmEvent& event) {
        if (held_at != 0 || event.kind != LlmEvent::Kind::kText) return true;
        asked_.Wait();
        int before = -1;  // until the sender is stuck
        while (before != sent) {
          before = sent;
          for (int i = 0; i < 5'000; ++i) std::this_thread::yield();
        }
        held_at = sent;
        return true;
      },
      options);
  ASSERT_OK(answer);
  EXPECT_EQ(answer->text(), "Hello there");
  EXPECT_LT(held_at, 300) << "30 MB were read ahead";
}

TEST_F(LlmClientTest, CallbackThatHasEnoughGivesTheCallUp) {
  Serve(AnswerChat);
  int events = 0;
  const Result<LlmAnswer> answer = client().GenerateStream(Ask(), [&](const LlmEvent&) {
    ++events;
    return false;
  });
  EXPECT_EQ(answer.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(events, 1);
}

TEST_F(LlmClientTest, StopEndsACallThatWaits) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    exchange.WaitForHangUp();
  });
  std::stop_source stop;
  std::thread stopper([&] {
    asked_.Wait();
    stop.request_stop();
  });
  CallOptions options{.stop = stop.get_token()};
  options.directives.no_store = true;
  EXPECT_EQ(client().Generate(Ask(), options).status().code(), StatusCode::kCancelled);
  stopper.join();
  EXPECT_EQ(client().Generate(Ask(), options).status().code(), StatusCode::kCancelled);
}

TEST_F(LlmClientTest, StopEndsAStreamThatFallsSilent) {
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0] + ChatEvents(true)[1]);
    exchange.WaitForHangUp();
  });
  std::stop_source stop;
  std::thread stopper;
  const Result<LlmAnswer> answer =
      client().GenerateStream(Ask(),
                              [&](const LlmEvent&) {
                                if (!stopper.joinable())
                                  stopper = std::thread([&] { stop.request_stop(); });
                                return true;
                              },
                              {.stop = stop.get_token()});
  stopper.join();
  EXPECT_EQ(answer.status().code(), StatusCode::kCancelled) << answer.status().ToString();
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
