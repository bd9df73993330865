// Embeddings through the stack: only what is missing goes upstream, each item once.
#include "batch_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "caching_fixture.h"
#include "embeddings_exchange.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

class BatchServiceTest : public CachingFixture {
 protected:
  void ServeEmbeddings() {
    Serve([this](UpstreamExchange& exchange) {
      const json request = json::parse(exchange.body);
      {
        const std::lock_guard lock(mutex_);
        asked_for_.push_back(request["input"]);
      }
      exchange.Answer(200, "application/json", EmbeddingsAnswer(request).dump(1));
    });
  }
  std::vector<json> asked_for() {
    const std::lock_guard lock(mutex_);
    return asked_for_;
  }
  // A text of its own for each item.
  static Request ManyTexts(std::size_t count) {
    json texts = json::array();
    for (std::size_t i = 0; i < count; ++i) texts.push_back(std::to_string(1000 + i));
    return EmbeddingsRequest(texts);
  }
  void ServeTokens(std::uint64_t tokens, const char* model = "text-embedding-3-small") {
    Serve([tokens, model](UpstreamExchange& exchange) {
      json answer = EmbeddingsAnswer(json::parse(exchange.body));
      answer["model"] = model;
      answer["usage"] = {{"prompt_tokens", tokens}, {"total_tokens", tokens}};
      exchange.Answer(200, "application/json", answer.dump());
    });
  }
  const std::shared_ptr<Charges> charges_ = std::make_shared<Charges>();
  std::mutex mutex_;
  std::vector<json> asked_for_;
};

TEST_F(BatchServiceTest, ABatchCostsWhatItsTokensCostTogether) {
  ServeTokens(8'016);
  config_.providers["openai"].base_url = upstream_->base_url();
  const auto stack = MakeStackWorker();
  const Request request = Charged(ManyTexts(1'000), charges_);
  ASSERT_EQ(stack->Ask(request).code, 200);
  EXPECT_EQ(charges_->microusd, 160u) << "8,016 tokens at 0.02 USD a million";
  EXPECT_EQ(charges_->calls, 1);
  EXPECT_EQ(board_->Snapshot().at("openai").microusd, 160u);
  EXPECT_EQ(board_->Snapshot().at("openai").input_tokens, 8'016u);
  const Answer hit = stack->Ask(request);
  EXPECT_THAT(hit.saved, StartsWith("microusd=160, ms="));
  EXPECT_EQ(charges_->calls, 1);
}

// 0 would say that nothing is known of it, and then time stands for the cost.
TEST_F(BatchServiceTest, AnItemThatCostsLessThanOneIsStoredWithOne) {
  ServeTokens(8'016);
  ASSERT_EQ(Ask(ManyTexts(1'000)).code, 200);
  EXPECT_THAT(Ask(EmbeddingsRequest("1007")).saved, StartsWith("microusd=1, ms="));
  EXPECT_EQ(cache_->GetStats().microusd_saved, 1u);
}

TEST_F(BatchServiceTest, ItemsBearTheCostByTheirBytes) {
  ServeTokens(1'000'000);
  const std::string small(8, 's');  // 10 bytes of JSON
  const std::string large(28, 'l');
  ASSERT_EQ(Ask(EmbeddingsRequest({small, large})).code, 200);
  ASSERT_EQ(Ask(EmbeddingsRequest(small)).code, 200);
  EXPECT_EQ(cache_->GetStats().microusd_saved, 5'000u);
  ASSERT_EQ(Ask(EmbeddingsRequest(large)).code, 200);
  EXPECT_EQ(cache_->GetStats().microusd_saved, 20'000u);
}

TEST_F(BatchServiceTest, ShortCallsAddUpToWhatTheyCost) {
  ServeTokens(10);  // a fifth of a micro-USD
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(Ask(Charged(EmbeddingsRequest(std::to_string(i)), charges_)).code, 200);
  }
  EXPECT_EQ(charges_->calls, 50);
  EXPECT_EQ(charges_->microusd, 10u);
}

TEST_F(BatchServiceTest, ABatchWithoutAPriceIsEstimatedOnce) {
  ServeTokens(8'016, "a model of tomorrow");
  Request request = Charged(ManyTexts(100), charges_);
  json body = json::parse(request.body);
  body["model"] = "a model of tomorrow";
  request.body = body.dump();
  ASSERT_EQ(Ask(request).code, 200);
  EXPECT_EQ(charges_->calls, 1);
  EXPECT_GE(charges_->microusd, 1u);
  EXPECT_THAT(Ask(request).saved, Not(HasSubstr("microusd")));
}

TEST_F(BatchServiceTest, AFirstBatchIsTheUpstreamsAnswerByteForByte) {
  ServeEmbeddings();
  const Request request = EmbeddingsRequest({"a", "bb"});
  const Answer first = Ask(request);
  EXPECT_EQ(first.body, EmbeddingsAnswer(json::parse(request.body)).dump(1));
  EXPECT_EQ(first.cache, "larder; fwd=miss; stored");
  const Answer hit = Ask(request);
  EXPECT_THAT(hit.cache, StartsWith("larder; hit; ttl=86400; key="));
  EXPECT_EQ(json::parse(hit.body), json::parse(first.body));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(BatchServiceTest, OnlyMissingItemsGoUpstreamAndEachOnce) {
  ServeEmbeddings();
  ASSERT_EQ(Ask(EmbeddingsRequest("a")).code, 200);
  const Request request = EmbeddingsRequest({"bb", "a", "ccc", "bb"});
  const Answer partial = Ask(request);
  EXPECT_THAT(asked_for(), ElementsAre(json("a"), json({"bb", "ccc"})));
  EXPECT_THAT(partial.cache, StartsWith("larder; fwd=partial; stored"));
  json expected = EmbeddingsAnswer(json::parse(request.body));
  // 10 of "a"; 20 of the others, by their 4 and 5 bytes of JSON: 8 and 12, and 8 once more.
  expected["usage"] = {{"prompt_tokens", 38}, {"total_tokens", 38}};
  EXPECT_EQ(json::parse(partial.body), expected);
  EXPECT_THAT(Ask(EmbeddingsRequest({"ccc", "a"})).cache, StartsWith("larder; hit"));
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(BatchServiceTest, EqualItemsOfOneBatchAreAskedForOnce) {
  ServeEmbeddings();
  const Request request = EmbeddingsRequest({"a", "a", "a"});
  const Answer answer = Ask(request);
  EXPECT_THAT(asked_for(), ElementsAre(json({"a"})));
  EXPECT_EQ(answer.cache, "larder; fwd=miss; stored");
  EXPECT_EQ(json::parse(answer.body), EmbeddingsAnswer(json::parse(request.body)));
}

TEST_F(BatchServiceTest, ErrorsAreHandedOnAndNotStored) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(400, "application/json", R"({"error":{"message":"too long"}})");
  });
  for (int i = 0; i < 2; ++i) {
    const Answer error = Ask(EmbeddingsRequest({"a", "b"}));
    EXPECT_EQ(error.code, 400);
    EXPECT_EQ(error.body, R"({"error":{"message":"too long"}})");
  }
  EXPECT_EQ(upstream_->requests(), 2);
  EXPECT_EQ(cache_->GetStats().stores, 0u);
}

TEST_F(BatchServiceTest, AnAnswerWithWrongIndexesIsHandedOnAndNotStored) {
  Serve([](UpstreamExchange& exchange) {
    json answer = EmbeddingsAnswer(json::parse(exchange.body));
    for (json& item : answer["data"]) item["index"] = 0;
    exchange.Answer(200, "application/json", answer.dump());
  });
  EXPECT_EQ(Ask(EmbeddingsRequest({"a", "b"})).code, 200);
  EXPECT_EQ(Ask(EmbeddingsRequest({"a", "b"})).code, 200);
  EXPECT_EQ(upstream_->requests(), 2);
  EXPECT_EQ(cache_->GetStats().stores, 0u);
}

// It is the caller's own request that was answered so; who asks again, asks again.
TEST_F(BatchServiceTest, AnAnswerWithoutTheItemsIsRelayedAsItIsWhereAllWereAskedFor) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number == 0) return exchange.Answer(200, "application/json", R"({"data":[]})");
    exchange.Answer(200, "application/json", EmbeddingsAnswer(json::parse(exchange.body)).dump());
  });
  const Request request = EmbeddingsRequest({"a", "b"});
  const Answer first = Ask(request);
  EXPECT_EQ(first.body, R"({"data":[]})");
  EXPECT_EQ(first.cache, "larder; fwd=miss");
  EXPECT_EQ(cache_->GetStats().stores, 0U);
  const Answer second = Ask(request);
  EXPECT_EQ(second.cache, "larder; fwd=miss; stored");
  EXPECT_EQ(json::parse(second.body), EmbeddingsAnswer(json::parse(request.body)));
  EXPECT_EQ(refusals_->Counts(), (std::map<std::string, std::uint64_t>{{"invalid", 1}}));
  EXPECT_EQ(upstream_->requests(), 2);
}

// What was answered to a part of the batch is of no use to who asked for all of it.
TEST_F(BatchServiceTest, AnAnswerThatFitsNoMissingItemSendsTheWholeBatchPastTheCache) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number == 1) return exchange.Answer(200, "application/json", R"({"data":[]})");
    exchange.Answer(200, "application/json", EmbeddingsAnswer(json::parse(exchange.body)).dump());
  });
  ASSERT_EQ(Ask(EmbeddingsRequest({"a"})).cache, "larder; fwd=miss; stored");
  const Request request = EmbeddingsRequest({"a", "b"});
  const Answer answer = Ask(request);
  EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=invalid-answer");
  EXPECT_EQ(json::parse(answer.body), EmbeddingsAnswer(json::parse(request.body)));
  EXPECT_EQ(refusals_->Counts(),
            (std::map<std::string, std::uint64_t>{{"invalid", 1}, {"invalid-answer", 1}}));
  EXPECT_EQ(upstream_->requests(), 3);
  EXPECT_EQ(Ask(request).cache, "larder; fwd=partial; stored") << "what went past is not stored";
}

// Likewise where an item occurs twice, so that less was asked for than the caller wants.
TEST_F(BatchServiceTest, AnAnswerThatDoesNotFitABatchWithEqualItemsIsNotRelayed) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number == 0) return exchange.Answer(200, "application/json", R"({"data":[]})");
    exchange.Answer(200, "application/json", EmbeddingsAnswer(json::parse(exchange.body)).dump());
  });
  const Request request = EmbeddingsRequest({"a", "a"});
  const Answer answer = Ask(request);
  EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=invalid-answer");
  EXPECT_EQ(json::parse(answer.body)["data"].size(), 2U);
}

TEST_F(BatchServiceTest, OverlappingBatchesShareWhatIsUnderWay) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    go_.Wait();
    exchange.Answer(200, "application/json", EmbeddingsAnswer(json::parse(exchange.body)).dump());
  });
  auto first = Begin(EmbeddingsRequest({"a", "b"}));
  asked_.Wait();
  const Request overlapping = EmbeddingsRequest({"b", "c"});
  auto second = Begin(overlapping);
  auto third = Begin(EmbeddingsRequest({"b", "a"}));
  WaitForJoined(3);
  go_.Open();
  EXPECT_EQ(first.get().code, 200);
  EXPECT_EQ(json::parse(second.get().body), EmbeddingsAnswer(json::parse(overlapping.body)));
  EXPECT_THAT(third.get().cache, HasSubstr("collapsed"));
  EXPECT_EQ(upstream_->requests(), 2) << "the second asked for c only, the third for nothing";
}

TEST_F(BatchServiceTest, StaleItemsAreTheAnswerWhileTheirSuccessorsAreFetched) {
  config_.cache.default_ttl = 60s;
  config_.cache.stale_while_revalidate = 1h;
  Reopen();
  ServeEmbeddings();
  ASSERT_EQ(Ask(EmbeddingsRequest({"a", "bb"})).code, 200);
  clock_.Advance(65s);
  ASSERT_EQ(Ask(EmbeddingsRequest("fresh")).code, 200);
  const Request request = EmbeddingsRequest({"bb", "fresh", "a"});
  const Answer stale = Ask(request);
  EXPECT_THAT(stale.cache, StartsWith("larder; hit; ttl=-5; detail=stale-while-revalidate"));
  EXPECT_EQ(json::parse(stale.body)["data"], EmbeddingsAnswer(json::parse(request.body))["data"]);
  WaitForStores(5);
  EXPECT_THAT(asked_for(), ElementsAre(json({"a", "bb"}), json("fresh"), json({"bb", "a"})));
  EXPECT_EQ(Ask(EmbeddingsRequest({"a", "bb"})).outcome.ttl, Duration(60s));
  EXPECT_EQ(upstream_->requests(), 3);
}

TEST_F(BatchServiceTest, StaleItemsStandInForAnUpstreamInTrouble) {
  config_.cache.default_ttl = 60s;
  config_.cache.stale_if_error = 1h;
  Reopen();
  std::atomic<bool> broken = false;
  Serve([&](UpstreamExchange& exchange) {
    if (broken) return exchange.Answer(503, "application/json", "{}");
    exchange.Answer(200, "application/json", EmbeddingsAnswer(json::parse(exchange.body)).dump());
  });
  ASSERT_EQ(Ask(EmbeddingsRequest({"a", "bb"})).code, 200);
  clock_.Advance(65s);
  broken = true;
  const Answer stale = Ask(EmbeddingsRequest({"bb", "a"}));
  EXPECT_EQ(stale.code, 200);
  EXPECT_EQ(stale.cache, "larder; fwd=stale; fwd-status=503; ttl=-5; detail=stale-if-error");
  EXPECT_EQ(json::parse(stale.body)["data"],
            EmbeddingsAnswer(json{{"input", {"bb", "a"}}})["data"]);
  EXPECT_EQ(Ask(EmbeddingsRequest({"a", "ccc"})).code, 503) << "of one there is nothing";
  Request bounded = EmbeddingsRequest({"bb", "a"});
  bounded.directives.max_stale = Duration(4s);
  EXPECT_EQ(Ask(bounded).code, 503) << "the caller says that this is too stale";
}

TEST_F(BatchServiceTest, NobodyWaitsForAStoreThatHangsMeanwhile) {
  limits_.store = Duration(20);
  limits_.lookup = Duration(20);
  Serve([this](UpstreamExchange& exchange) {
    const json request = json::parse(exchange.body);
    if (request["input"] != "a") {
      asked_.Open();
      go_.Wait();
    }
    exchange.Answer(200, "application/json", EmbeddingsAnswer(request).dump());
  });
  ASSERT_EQ(Ask(EmbeddingsRequest("a")).code, 200);
  std::future<Answer> partly = Begin(EmbeddingsRequest({"a", "bb", "ccc"}));
  asked_.Wait();
  HangStore();
  go_.Open();
  EXPECT_EQ(json::parse(partly.get().body)["data"],
            EmbeddingsAnswer(json{{"input", {"a", "bb", "ccc"}}})["data"]);
  store_returns_.Open();
  WaitForStores(3);
}

// Batches with "bad" in them are refused, as long as the upstream is strict.
class BatchNegativeTest : public BatchServiceTest {
 protected:
  // An error may be about what the key leaves out.
  static Request Plain(const json& input) { return EmbeddingsRequest(input, nullptr); }
  void SetUp() override {
    config_.cache.negative_ttl = 30s;
    Reopen();
    Serve([this](UpstreamExchange& exchange) {
      const json request = json::parse(exchange.body);
      if (held_) {
        asked_.Open();
        go_.Wait();
      }
      const bool is_bad = strict_ && exchange.body.find("bad") != std::string::npos;
      if (is_bad) return exchange.Answer(400, "application/json", R"({"error":{"message":"no"}})");
      exchange.Answer(200, "application/json", EmbeddingsAnswer(request).dump());
    });
    config_.providers["openai"].base_url = upstream_->base_url();
    stack_ = MakeStackWorker();
  }
  void ExpectForgottenIfInvalidatedMeanwhile(const json& input) {
    held_ = true;
    Request request = Plain(input);
    request.directives.tags = {"t"};
    std::future<Answer> answer = stack_->Begin(request);
    asked_.Wait();
    Invalidate("t");
    go_.Open();
    EXPECT_EQ(answer.get().code, 400);
    EXPECT_EQ(stack_->Ask(request).code, 400);
    EXPECT_EQ(upstream_->requests(), 2);
  }
  std::unique_ptr<Worker> stack_;
  std::atomic<bool> strict_ = true;
  std::atomic<bool> held_ = false;
};

TEST_F(BatchNegativeTest, ErrorThatRarelyChangesIsRememberedForItsBatch) {
  std::uint64_t stores = 0;
  for (const json& input : {json("bad"), json({"bad", "good"})}) {
    const Request request = Plain(input);
    EXPECT_EQ(stack_->Ask(request).code, 400);
    WaitForStores(++stores);
    const Answer hit = stack_->Ask(request);
    EXPECT_EQ(hit.code, 400);
    EXPECT_EQ(hit.body, R"({"error":{"message":"no"}})");
    EXPECT_THAT(hit.cache, StartsWith("larder; hit; ttl=30"));
  }
  EXPECT_EQ(upstream_->requests(), 2);
  EXPECT_EQ(stack_->Ask(Plain({"good", "other"})).code, 200);
  EXPECT_EQ(upstream_->requests(), 3);
  clock_.Advance(30s);
  strict_ = false;
  EXPECT_EQ(stack_->Ask(Plain("bad")).code, 200);
  EXPECT_EQ(stack_->Ask(Plain({"bad", "good"})).code, 200);
}

TEST_F(BatchNegativeTest, ErrorOnOneTextIsNoItemOfAnotherBatch) {
  EXPECT_EQ(stack_->Ask(Plain("bad")).code, 400);
  WaitForStores(1);
  strict_ = false;
  const Answer answer = stack_->Ask(Plain({"bad", "good"}));
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(json::parse(answer.body)["data"],
            EmbeddingsAnswer(json{{"input", {"bad", "good"}}})["data"]);
}

TEST_F(BatchNegativeTest, ErrorOfACallThatBeganBeforeAnInvalidationIsNotRemembered) {
  ExpectForgottenIfInvalidatedMeanwhile({"bad", "good"});
}

TEST_F(BatchNegativeTest, NorIsOneOnOneText) { ExpectForgottenIfInvalidatedMeanwhile("bad"); }

TEST_F(BatchServiceTest, OnlyIfCachedNeedsAllItems) {
  ServeEmbeddings();
  ASSERT_EQ(Ask(EmbeddingsRequest("a")).code, 200);
  Request some = EmbeddingsRequest({"a", "b"});
  some.directives.only_if_cached = true;
  EXPECT_EQ(Ask(some).code, 504);
  Request all = EmbeddingsRequest({"a", "a"});
  all.directives.only_if_cached = true;
  EXPECT_THAT(Ask(all).cache, StartsWith("larder; hit"));
  EXPECT_EQ(upstream_->requests(), 1);
}

}  // namespace
}  // namespace larder::client
