#include "larder/client/caching_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stop_token>
#include <thread>
#include <vector>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using ::testing::HasSubstr;

class CachingClientTest : public CachingFixture {
 protected:
  CachingClient& client() {
    if (client_ == nullptr) {
      ProviderConfig& provider = config_.providers["openai"];
      provider.base_url = upstream_->base_url();
      Result<std::unique_ptr<CachingClient>> client =
          CachingClient::Create(config_, cache_.get(), on_abort_);
      EXPECT_OK(client);
      client_ = *std::move(client);
    }
    return *client_;
  }

  std::unique_ptr<CachingClient> client_;  // goes before the cache
};

TEST_F(CachingClientTest, SendWaitsForTheAnswerAndTheNextIsAHit) {
  Serve(AnswerChat);
  const Result<CachingClient::Answer> miss = client().Send("openai", ChatRequest());
  ASSERT_OK(miss);
  EXPECT_EQ(miss->body, ChatJson());
  EXPECT_EQ(FormatCacheStatus(miss->head.cache), "larder; fwd=miss; stored");
  const Result<CachingClient::Answer> hit = client().Send("openai", ChatRequest());
  ASSERT_OK(hit);
  EXPECT_TRUE(hit->head.cache.hit());
  EXPECT_EQ(hit->body, miss->body);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingClientTest, RefusalsAreCountedByReason) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number == 0) return exchange.Answer(404, "application/json", "{}");
    if (exchange.number == 1) return exchange.Answer(200, "text/html", "<p>");
    if (exchange.number == 2) return exchange.Answer(200, "application/json", R"({"error":{}})");
    exchange.Answer(200, "application/json", R"({"choices":[]})");
  });
  for (int i = 0; i < 5; ++i) ASSERT_OK(client().Send("openai", ChatRequest()));
  Request stateful = ChatRequest();
  stateful.body = R"({"model":"m","messages":[],"store":true})";
  ASSERT_OK(client().Send("openai", stateful));
  stateful.body = "not json";
  ASSERT_OK(client().Send("openai", stateful));
  Request directed = ChatRequest();
  directed.directives.no_store = true;
  ASSERT_OK(client().Send("openai", directed));
  directed.directives.no_store = false;
  directed.headers.Set("if-none-match", "x");
  ASSERT_OK(client().Send("openai", directed));
  EXPECT_EQ(client().RefusalCounts(), (std::map<std::string, std::uint64_t>{{"status", 1},
                                                                            {"content_type", 1},
                                                                            {"error", 1},
                                                                            {"empty", 2},
                                                                            {"stateful", 1},
                                                                            {"not-i-json", 1},
                                                                            {"no-store", 1},
                                                                            {"conditional", 1}}));
}

TEST_F(CachingClientTest, HealthTellsWhatProvidersWereAsked) {
  Serve(AnswerChat);
  for (int i = 0; i < 2; ++i) ASSERT_OK(client().Send("openai", ChatRequest()));
  EXPECT_EQ(client().Health().at("openai").calls, 1U) << "a hit is no call";
}

TEST_F(CachingClientTest, ManyThreadsMayAsk) {
  Serve(AnswerChat);
  client();
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto answer = client_->Send("openai", ChatRequest());
      if (answer.ok() && answer->body == ChatJson()) ++right;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 8);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingClientTest, CallbacksComeInOrderAsTheBodyArrives) {
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0]);
    EXPECT_TRUE(go_.Wait());
    exchange.Chunk(ChatEvents(true)[1]);
    exchange.EndChunks();
  });
  std::vector<std::string> log;
  std::promise<Status> end;
  CachingClient::Callbacks callbacks;
  callbacks.on_head = [&](const ResponseHead& head) { log.push_back(std::to_string(head.status)); };
  callbacks.on_piece = [&](std::string_view piece) {
    log.emplace_back(piece);
    go_.Open();
  };
  callbacks.on_end = [&](const Status& status) { end.set_value(status); };
  client().Start("openai", ChatStreamRequest(true), callbacks);
  EXPECT_OK(end.get_future().get());
  EXPECT_THAT(log, ::testing::ElementsAre("200", ChatEvents(true)[0], ChatEvents(true)[1]));
}

TEST_F(CachingClientTest, GivingUpEndsWithCancelled) {
  Serve([this](UpstreamExchange&) {
    asked_.Open();
    go_.Wait();
  });
  std::promise<Status> end;
  CachingClient::Callbacks callbacks;
  callbacks.on_end = [&](const Status& status) { end.set_value(status); };
  const auto give_up = client().Start("openai", ChatRequest(), callbacks);
  ASSERT_TRUE(asked_.Wait());
  give_up();
  EXPECT_THAT(end.get_future().get(), testing::HasCode(StatusCode::kCancelled));
  client_.reset();
  give_up();  // harmless
}

TEST_F(CachingClientTest, DestructionEndsWhatIsUnderWay) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    exchange.WaitForHangUp();
  });
  Status end;
  CachingClient::Callbacks callbacks;
  callbacks.on_end = [&](const Status& status) { end = status; };
  client().Start("openai", ChatRequest(), callbacks);
  ASSERT_TRUE(asked_.Wait());
  client_.reset();
  EXPECT_THAT(end, testing::HasCode(StatusCode::kCancelled));
}

TEST_F(CachingClientTest, SendFromACallbackIsRefusedInsteadOfHanging) {
  Serve(AnswerChat);
  std::promise<Status> inner;
  CachingClient::Callbacks callbacks;
  callbacks.on_end = [&](const Status&) {
    inner.set_value(client_->Send("openai", ChatRequest()).status());
  };
  client().Start("openai", ChatRequest(), callbacks);
  EXPECT_THAT(inner.get_future().get(), testing::HasCode(StatusCode::kInvalidArgument));
}

TEST_F(CachingClientTest, WrongProvidersAreNamed) {
  Serve(AnswerChat);
  const auto answer = client().Send("opneai", ChatRequest());
  EXPECT_THAT(answer, testing::HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(answer.status().message(), HasSubstr("opneai"));
  for (const char* url : {"", "ftp://host", "https://", "http://user@host", "http://host/?q",
                          "http://host/", "host"}) {
    config_.providers["openai"].base_url = url;
    EXPECT_THAT(CachingClient::Create(config_, nullptr),
                testing::HasCode(StatusCode::kInvalidArgument))
        << url;
  }
  config_.providers["openai"].base_url = "http://host";
  config_.providers["openai"].dialect = "klingon";
  EXPECT_THAT(CachingClient::Create(config_, nullptr),
              testing::HasCode(StatusCode::kInvalidArgument));
}

TEST_F(CachingClientTest, WithoutACacheEverythingPassesThrough) {
  Serve(AnswerChat);
  config_.providers["openai"].base_url = upstream_->base_url();
  auto client = *CachingClient::Create(config_, nullptr);
  for (int i = 1; i <= 2; ++i) {
    const auto answer = client->Send("openai", ChatRequest());
    ASSERT_OK(answer);
    EXPECT_EQ(FormatCacheStatus(answer->head.cache), "larder; fwd=bypass");
    EXPECT_EQ(upstream_->requests(), i);
  }
}

TEST_F(CachingClientTest, StreamIsReadPieceByPiece) {
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0]);
    go_.Wait();
    for (std::size_t i = 1; i < ChatEvents(true).size(); ++i) exchange.Chunk(ChatEvents(true)[i]);
    exchange.EndChunks();
  });
  auto stream = client().Open("openai", ChatStreamRequest(true));
  ASSERT_OK(stream);
  EXPECT_EQ((*stream)->head().status, 200);
  Result<SharedBytes> piece = (*stream)->Next();
  ASSERT_OK(piece);
  EXPECT_EQ(piece->view(), ChatEvents(true)[0]);
  go_.Open();
  std::string rest;
  for (piece = (*stream)->Next(); piece.ok() && !piece->empty(); piece = (*stream)->Next()) {
    rest += piece->view();
  }
  EXPECT_OK(piece);
  EXPECT_EQ(ChatEvents(true)[0] + rest, Join(ChatEvents(true)));
  EXPECT_EQ((*stream)->Next().status().code(), StatusCode::kCancelled) << "it is over";
}

TEST_F(CachingClientTest, NextThatWaitsEndsWhenTheStreamIsCancelled) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.WaitForHangUp();
  });
  auto stream = client().Open("openai", ChatStreamRequest(true));
  ASSERT_OK(stream);
  std::thread canceller([&] { (*stream)->Cancel(); });
  EXPECT_EQ((*stream)->Next().status().code(), StatusCode::kCancelled);
  canceller.join();
  stream->reset();
}

TEST_F(CachingClientTest, StopEndsAnOpenThatWaits) {
  ExpectStopEnds([this](std::stop_token stop) {
    return client().Open("openai", ChatRequest(), std::move(stop)).status();
  });
  EXPECT_EQ(client().Open("none", ChatRequest()).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(CachingClientTest, StreamThatIsDroppedGivesTheExchangeUp) {
  Gate hung_up;
  Serve([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0]);
    exchange.WaitForHangUp();
    hung_up.Open();
  });
  Request request = ChatStreamRequest(true);
  request.directives.no_store = true;  // a flight would go on without its caller
  auto stream = client().Open("openai", request);
  ASSERT_OK(stream);
  stream->reset();
  EXPECT_TRUE(hung_up.Wait());
}

TEST_F(CachingClientTest, FlightThatIsDroppedReachesTheUpstreamWhereThatIsAsked) {
  on_abort_ = OnAbort::kCancel;
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0]);
    exchange.WaitForHangUp();
    asked_.Open();
  });
  auto stream = client().Open("openai", ChatStreamRequest(true));
  ASSERT_OK(stream);
  stream->reset();
  EXPECT_TRUE(asked_.Wait());
}

}  // namespace
}  // namespace larder::client
