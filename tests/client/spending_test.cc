// What is charged for a call, whatever becomes of it.
#include "spending.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using nlohmann::json;

class SpendingTest : public CachingFixture {
 protected:
  void AskAndEnd(const Request& request) {
    Ask(Charged(request, charges_));
    End();
  }
  // All that is under way has ended, and is counted.
  void End() { Reopen(); }
  // By its time: nobody knows better.
  void ExpectAnEstimate() const {
    EXPECT_EQ(charges_->calls, 1);
    EXPECT_GE(charges_->microusd, 1u);
  }
  void ExpectNothing() const { EXPECT_EQ(charges_->calls, 0); }

  const std::shared_ptr<Charges> charges_ = std::make_shared<Charges>();
};

Request EmbeddingsRequest() {
  Request request = ChatRequest();
  request.target = "/v1/embeddings";
  request.body = json({{"model", "text-embedding-3-small"}, {"input", {"a", "b"}}}).dump();
  return request;
}

void CutJson(UpstreamExchange& exchange) {
  exchange.Send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{");
  exchange.Close();
}

TEST_F(SpendingTest, AWholeAnswerIsChargedOnceByItsUsageAndAHitIsNot) {
  Serve(AnswerChat);
  const Request request = Charged(ChatRequest(), charges_);
  Ask(request);
  WaitForStores(1);
  ASSERT_TRUE(Ask(request).outcome.hit());
  End();
  EXPECT_EQ(charges_->calls, 1);
  EXPECT_EQ(charges_->microusd, 45u);  // 10 × 2.5 + 2 × 10
}

TEST_F(SpendingTest, ACutAnswerIsCharged) {
  Serve(CutJson);
  AskAndEnd(ChatRequest());
  ExpectAnEstimate();
}

TEST_F(SpendingTest, ACutStreamIsCharged) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(false).front());
    exchange.Reset();
  });
  AskAndEnd(ChatStreamRequest(false));
  ExpectAnEstimate();
}

// What the start of a message tells is its input, and one token of output.
TEST_F(SpendingTest, AMessageThatEndsWithoutItsEndIsChargedByItsTime) {
  dialect_ = "anthropic";
  config_.prices["claude-x"] = {.input_per_million = 1, .output_per_million = 1'000'000};
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(R"(data: {"type":"message_start","message":{"type":"message",)"
                   R"("model":"claude-x","content":[],)"
                   R"("usage":{"input_tokens":3000000,"output_tokens":1}}})"
                   "\n\n");
    exchange.Chunk(R"(data: {"type":"content_block_start","index":0,)"
                   R"("content_block":{"type":"text","text":""}})"
                   "\n\n");
    for (int i = 0; i < 2; ++i) {
      exchange.Chunk(R"(data: {"type":"content_block_delta","index":0,)"
                     R"("delta":{"type":"text_delta","text":"x"}})"
                     "\n\n");
    }
    exchange.EndChunks();
  });
  Request request = ChatStreamRequest(false);
  request.target = "/v1/messages";
  AskAndEnd(request);
  ExpectAnEstimate();
  EXPECT_LT(charges_->microusd, 3'000'000u);
}

TEST_F(SpendingTest, AnAnswerOfAnotherTypeIsCharged) {
  Serve([](UpstreamExchange& exchange) { exchange.Answer(200, "text/html", "<p>hi</p>"); });
  AskAndEnd(ChatRequest());
  ExpectAnEstimate();
}

TEST_F(SpendingTest, AnEncodedAnswerIsCharged) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", "??", "content-encoding: br\r\n");
  });
  AskAndEnd(ChatRequest());
  ExpectAnEstimate();
}

TEST_F(SpendingTest, AnAnswerTooLargeToKeepIsCharged) {
  limits_.max_body_bytes = 8;
  Serve(AnswerChat);
  AskAndEnd(ChatRequest());
  ExpectAnEstimate();
}

TEST_F(SpendingTest, AStreamThatIsGivenUpIsCharged) {
  on_abort_ = OnAbort::kCancel;
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(false).front());
    exchange.WaitForHangUp();
  });
  auto caller = worker().Open(Charged(ChatStreamRequest(false), charges_));
  EXPECT_TRUE(caller->Read());
  caller->HangUp();
  EXPECT_TRUE(upstream_->WaitForClosed(1));
  End();
  ExpectAnEstimate();
}

// Of JSON the head comes when all has been computed.
TEST_F(SpendingTest, AnAnswerThatIsGivenUpBeforeItsHeadIsCharged) {
  on_abort_ = OnAbort::kCancel;
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    exchange.WaitForHangUp();
  });
  auto caller = worker().Open(Charged(ChatRequest(), charges_));
  asked_.Wait();
  caller->HangUp();
  EXPECT_TRUE(upstream_->WaitForClosed(1));
  End();
  ExpectAnEstimate();
}

TEST_F(SpendingTest, ErrorsAndCallsWithoutAnAnswerCostNothing) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.target.ends_with("/completions") && exchange.number == 0) return exchange.Reset();
    exchange.Answer(exchange.number == 1 ? 400 : 500, "application/json", R"({"error":{}})");
  });
  for (int i = 0; i < 3; ++i) Ask(Charged(ChatRequest(), charges_));
  Ask(Charged(EmbeddingsRequest(), charges_));
  Request past = Charged(ChatRequest(), charges_);
  past.directives.no_store = true;
  Ask(past);
  End();
  EXPECT_EQ(upstream_->requests(), 5);
  ExpectNothing();
}

TEST_F(SpendingTest, ACutBatchIsCharged) {
  Serve(CutJson);
  AskAndEnd(EmbeddingsRequest());
  ExpectAnEstimate();
}

TEST_F(SpendingTest, ABatchWhoseAnswerIsNoneIsCharged) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", R"({"data":[],"usage":{"prompt_tokens":5}})");
  });
  AskAndEnd(EmbeddingsRequest());
  ExpectAnEstimate();
}

class PassingSpendingTest : public SpendingTest {
 protected:
  // Past the cache, and to its end.
  void Pass(Request request, std::uint64_t expected) {
    request.directives.no_store = true;
    AskAndEnd(request);
    EXPECT_EQ(charges_->calls, 1);
    EXPECT_EQ(charges_->microusd, expected);
  }
};

TEST_F(PassingSpendingTest, WhatPassesByTheCacheIsChargedByItsUsage) {
  Serve(AnswerChat);
  Pass(ChatRequest(), 45);  // 10 × 2.5 + 2 × 10
}

// As Azure does: the answer names a model, whose price is not the deployment's.
TEST_F(PassingSpendingTest, ItsConfiguredPriceIsThatOfTheModelThatThePathNames) {
  config_.prices["ours"] = {.input_per_million = 1, .output_per_million = 0};
  config_.prices.erase("gpt-4o");
  Serve(AnswerChat);
  Request request = ChatRequest();
  request.target = "/openai/deployments/ours/chat/completions";
  Pass(request, 10);
}

TEST_F(PassingSpendingTest, SoIsAStreamThatTellsItsUsage) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    for (const std::string& event : ChatEvents(true)) exchange.Chunk(event);
    exchange.EndChunks();
  });
  Pass(ChatStreamRequest(true), 45);
}

TEST_F(PassingSpendingTest, SoAreEmbeddings) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(
        200, "application/json",
        R"({"model":"text-embedding-3-small","data":[],"usage":{"prompt_tokens":500}})");
  });
  Pass(EmbeddingsRequest(), 10);  // 500 × 0.02
}

// As it is, but in a gzip stream: most callers take that, and it is theirs to read.
std::string Zipped(const std::string& text) {
  const auto number = [](std::size_t value, std::size_t bytes) {
    std::string written;
    for (; bytes > 0; --bytes, value >>= 8) written += static_cast<char>(value & 0xff);
    return written;
  };
  const std::string header = "\x1f\x8b\x08" + std::string(7, '\0');
  return header + "\x01" + number(text.size(), 2) + number(~text.size(), 2) + text +
         std::string(4, '\0') + number(text.size(), 4);
}

TEST_F(PassingSpendingTest, SoIsWhatCameZipped) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", Zipped(ChatJson()), "content-encoding: gzip\r\n");
  });
  Pass(ChatRequest(), 45);
}

// That takes long enough to keep others waiting.
TEST_F(PassingSpendingTest, WhatCameZippedIsNotReadWhereOthersAreServed) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", Zipped(ChatJson()), "content-encoding: gzip\r\n");
  });
  HangStore();
  Request past = Charged(ChatRequest(), charges_);
  past.directives.no_store = true;
  Ask(past);
  EXPECT_EQ(charges_->calls, 0) << "the pool is busy";
  store_returns_.Open();
  End();
  EXPECT_EQ(charges_->microusd, 45u);
}

TEST_F(PassingSpendingTest, SoIsAStreamThatIsTooLongToBeKept) {
  limits_.metered_bytes = std::size_t{256} << 10;
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    const std::vector<std::string> events = ChatEvents(true);
    exchange.Chunk(events.front());
    const std::string more = R"(data: {"choices":[{"index":0,"delta":{"content":")" +
                             std::string(1000, 'x') + "\"}}]}\n\n";
    for (int i = 0; i < 300; ++i) exchange.Chunk(more);
    for (std::size_t i = 1; i < events.size(); ++i) exchange.Chunk(events[i]);
    exchange.EndChunks();
  });
  Pass(ChatStreamRequest(true), 45);
}

TEST_F(PassingSpendingTest, WithoutUsageItIsChargedByItsTime) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    for (const std::string& event : ChatEvents(false)) exchange.Chunk(event);
    exchange.EndChunks();
  });
  Request past = ChatStreamRequest(false);
  past.directives.no_store = true;
  AskAndEnd(past);
  ExpectAnEstimate();
}

TEST_F(PassingSpendingTest, WhatIsCutIsChargedByItsTimeWhateverUsageItTold) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(R"(data: {"choices":[{"index":0,"delta":{"content":"x"}}],)"
                   R"("usage":{"prompt_tokens":1000000}})"
                   "\n\n");
    exchange.Reset();
  });
  Request past = ChatStreamRequest(true);
  past.directives.no_store = true;
  AskAndEnd(past);
  ExpectAnEstimate();
  EXPECT_LT(charges_->microusd, 1'000'000u);
}

TEST_F(PassingSpendingTest, MoreThanIsKeptOfAnAnswerIsChargedByItsTime) {
  limits_.metered_bytes = 20;
  Serve(AnswerChat);
  Request past = ChatRequest();
  past.directives.no_store = true;
  AskAndEnd(past);
  ExpectAnEstimate();
}

}  // namespace
}  // namespace larder::client
