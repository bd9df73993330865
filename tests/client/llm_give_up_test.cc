// Calls of an LlmClient that are slow, given up, or over by their timeout.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include "llm_client_fixture.h"

namespace larder::client {
namespace {

using LlmGiveUpTest = LlmClientFixture;

TEST_F(LlmGiveUpTest, SlowReaderHoldsTheProviderUp) {
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

TEST_F(LlmGiveUpTest, SlowReaderOfWhatIsCachedHoldsNobodyUp) {
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0] + ChatEvents(true)[1]);
    const std::string padding = ": " + std::string(100'000, 'x') + "\n\n";
    for (int i = 0; i < 300; ++i) exchange.Chunk(padding);
    for (std::size_t i = 2; i < ChatEvents(true).size(); ++i) exchange.Chunk(ChatEvents(true)[i]);
    exchange.EndChunks();
    go_.Open();
  });
  const Result<LlmAnswer> answer = client().GenerateStream(
      Ask(), [this](const LlmEvent&) { return go_.Wait(); });  // 30 MB were read meanwhile
  ASSERT_OK(answer);
  EXPECT_EQ(answer->text(), "Hello there");
}

TEST_F(LlmGiveUpTest, AnswerThatItsCallerGaveUpIsStoredAllTheSame) {
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0] + ChatEvents(true)[1]);
    go_.Wait();
    for (std::size_t i = 2; i < ChatEvents(true).size(); ++i) exchange.Chunk(ChatEvents(true)[i]);
    exchange.EndChunks();
  });
  const auto enough = [](const LlmEvent&) { return false; };
  EXPECT_THAT(client().GenerateStream(Ask(), enough), testing::HasCode(StatusCode::kCancelled));
  go_.Open();
  WaitForStores(1);
  const Result<LlmAnswer> hit = client().Generate(Ask());
  ASSERT_OK(hit);
  EXPECT_TRUE(hit->cache.hit());
}

TEST_F(LlmGiveUpTest, GivingUpReachesTheProviderWhereThatIsAsked) {
  on_abort_ = OnAbort::kCancel;
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0] + ChatEvents(true)[1]);
    exchange.WaitForHangUp();
    asked_.Open();
  });
  const auto enough = [](const LlmEvent&) { return false; };
  EXPECT_THAT(client().GenerateStream(Ask(), enough), testing::HasCode(StatusCode::kCancelled));
  EXPECT_TRUE(asked_.Wait());
}

TEST_F(LlmGiveUpTest, StopReachesTheProviderWhereTheConfigurationAsksForThat) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    exchange.WaitForHangUp();
    go_.Open();
  });
  const auto llm = LlmClient::Open(
      {.environment = {{"LARDER__CACHE__DIRECTORY", dir_ / "own"},
                       {"LARDER__GATEWAY__ON_ABORT", "cancel"},
                       {"LARDER__PROVIDERS__OPENAI__BASE_URL", upstream_->base_url()}}});
  ASSERT_OK(llm);
  std::stop_source stop;
  std::thread stopper([&] {
    asked_.Wait();
    stop.request_stop();
  });
  const CallOptions options{.provider = "openai", .stop = stop.get_token()};
  EXPECT_THAT((*llm)->Generate(Ask(), options), testing::HasCode(StatusCode::kCancelled));
  EXPECT_TRUE(go_.Wait());
  stopper.join();
}

TEST_F(LlmGiveUpTest, TimeoutEndsACallWhoseProviderIsSilent) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number % 2 == 0) return exchange.WaitForHangUp();
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0] + ChatEvents(true)[1]);
    exchange.WaitForHangUp();
  });
  const auto go_on = [](const LlmEvent&) { return true; };
  CallOptions options{.timeout = std::chrono::milliseconds(30)};
  for (const bool no_store : {false, true}) {
    options.directives.no_store = no_store;
    EXPECT_THAT(client().Generate(Ask(), options), testing::HasCode(StatusCode::kDeadlineExceeded));
    EXPECT_THAT(client().GenerateStream(Ask("another"), go_on, options),
                testing::HasCode(StatusCode::kDeadlineExceeded));
  }
}

TEST_F(LlmGiveUpTest, TimeoutOfAnyLengthLetsACallBe) {
  Serve(AnswerChat);
  EXPECT_OK(client().Generate(Ask(), {.timeout = kForever}));
}

TEST_F(LlmGiveUpTest, CallbackThatHasEnoughGivesTheCallUp) {
  Serve(AnswerChat);
  int events = 0;
  const Result<LlmAnswer> answer = client().GenerateStream(Ask(), [&](const LlmEvent&) {
    ++events;
    return false;
  });
  EXPECT_EQ(answer.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(events, 1);
}

TEST_F(LlmGiveUpTest, StopEndsACallThatWaits) {
  ExpectStopEnds([this](std::stop_token stop) {
    CallOptions options{.stop = std::move(stop)};
    options.directives.no_store = true;
    return client().Generate(Ask(), options).status();
  });
}

TEST_F(LlmGiveUpTest, StopEndsAStreamThatFallsSilent) {
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

}  // namespace
}  // namespace larder::client
