// Batches of embeddings put together from what is stored: in the form asked for, or not at all.
#include "batch_composition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstddef>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "caching_fixture.h"
#include "dialect.h"
#include "embeddings_exchange.h"
#include "gate.h"
#include "run_coroutine.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::StartsWith;

const json kInexact = json::array({0.1});  // a vector that no 32-bit floats are

json TenTexts() {
  json texts = json::array();
  for (int i = 0; i < 10; ++i) texts.push_back("text " + std::to_string(i));
  return texts;
}

void AnswerEmbeddings(UpstreamExchange& exchange) {
  exchange.Answer(200, "application/json", EmbeddingsAnswer(json::parse(exchange.body)).dump());
}

using BatchCompositionTest = CachingFixture;

TEST_F(BatchCompositionTest, FloatsAnswerBase64WhereExact) {
  Serve(AnswerEmbeddings);
  ASSERT_EQ(Ask(EmbeddingsRequest("a")).code, 200);
  const Answer base64 = Ask(EmbeddingsRequest("a", "base64"));
  EXPECT_THAT(base64.cache, StartsWith("larder; hit"));
  EXPECT_TRUE(json::parse(base64.body)["data"][0]["embedding"].is_string());
}

TEST_F(BatchCompositionTest, VectorsThatCannotBeGivenAreMissesWhoseAnswerReplacesThem) {
  Serve([](UpstreamExchange& exchange) {
    const json request = json::parse(exchange.body);
    json answer = EmbeddingsAnswer(request);
    for (json& item : answer["data"]) {
      const bool base64 = request["encoding_format"] == "base64";
      item["embedding"] = base64 ? json("AAAAPw==") : kInexact;
    }
    exchange.Answer(200, "application/json", answer.dump());
  });
  int requests = 0;
  for (const json& input : {json("a"), TenTexts()}) {
    ASSERT_EQ(Ask(EmbeddingsRequest(input)).code, 200);
    const Answer base64 = Ask(EmbeddingsRequest(input, "base64"));
    EXPECT_EQ(base64.cache, "larder; fwd=miss; stored; detail=other-encoding");
    EXPECT_EQ(json::parse(base64.body)["data"].back()["embedding"], "AAAAPw==");
    requests += 2;
    EXPECT_EQ(upstream_->requests(), requests) << "one request for all of them";
    const Answer floats = Ask(EmbeddingsRequest(input));
    EXPECT_THAT(floats.cache, StartsWith("larder; hit"));
    EXPECT_EQ(json::parse(floats.body)["data"].back()["embedding"], json::parse("[0.5]"));
  }
}

// Some know no encoding_format, and print numbers that are no 32-bit floats.
TEST_F(BatchCompositionTest, AServerThatCannotGiveTheEncodingIsAskedForTheItemsOnceAndThenForAll) {
  Serve([](UpstreamExchange& exchange) {
    json answer = EmbeddingsAnswer(json::parse(exchange.body));
    for (json& item : answer["data"]) item["embedding"] = kInexact;
    exchange.Answer(200, "application/json", answer.dump());
  });
  const Answer twice = Ask(EmbeddingsRequest({"a", "a"}, "base64"));
  EXPECT_EQ(twice.cache, "larder; fwd=bypass; detail=invalid-answer");
  EXPECT_EQ(upstream_->requests(), 2);
  json texts = TenTexts();
  ASSERT_EQ(Ask(EmbeddingsRequest(texts)).code, 200);
  EXPECT_EQ(upstream_->requests(), 3);
  const Answer relayed = Ask(EmbeddingsRequest(texts, "base64"));
  EXPECT_EQ(json::parse(relayed.body)["data"][9]["embedding"], kInexact) << "what it answered";
  EXPECT_EQ(upstream_->requests(), 4);
  texts.push_back(texts.front());  // so that less is asked for than the caller wants
  EXPECT_EQ(json::parse(Ask(EmbeddingsRequest(texts, "base64")).body)["data"].size(), 11u);
  EXPECT_EQ(upstream_->requests(), 6);
}

TEST_F(BatchCompositionTest, AFormatThatIsNotKnownHasItsOwnEntriesGivenAsTheyCame) {
  Serve([](UpstreamExchange& exchange) {
    const json request = json::parse(exchange.body);
    json answer = EmbeddingsAnswer(request);
    const std::string format = request["encoding_format"];
    if (format != "float")
      answer["data"][0]["embedding"] = format == "int8" ? json::array({1}) : json("AAAA");
    exchange.Answer(200, "application/json", answer.dump());
  });
  ASSERT_EQ(Ask(EmbeddingsRequest("a")).code, 200);
  for (const auto& [format, vector] :
       {std::pair("int8", json::array({1})), std::pair("packed", json("AAAA"))}) {
    EXPECT_THAT(Ask(EmbeddingsRequest("a", format)).cache, StartsWith("larder; fwd=miss"));
    const Answer hit = Ask(EmbeddingsRequest("a", format));
    EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
    EXPECT_EQ(json::parse(hit.body)["data"][0]["embedding"], vector);
  }
  EXPECT_THAT(Ask(EmbeddingsRequest("a", "base64")).cache, StartsWith("larder; hit"));
}

// The pool that computes has one thread, which is busy; nobody waits for the store.
class BusyPoolTest : public ::testing::Test {
 protected:
  BusyPoolTest() {
    boost::asio::post(pool_, [this] { is_free_.Wait(); });
  }
  ~BusyPoolTest() override {
    is_free_.Open();
    pool_.join();
    store_pool_.join();
  }
  // Of two items, whose answers are not small, where `store` is waited on.
  std::optional<BatchComposition> Compose(boost::asio::thread_pool& store) {
    CachingLimits limits;
    limits.inline_bytes = 10;
    limits.lookup = Duration(0);
    const auto core = std::make_shared<const CachingCore>(
        CachingCore{.io = io_,
                    .pool = pool_,
                    .store = std::make_shared<StoreThreads>(store),
                    .upstream = nullptr,
                    .cache = nullptr,
                    .dialect = *FindDialect("openai"),
                    .provider = {},
                    .prices = {},
                    .limits = limits});
    const RequestPlan plan = core->dialect.Plan("POST", "/v1/embeddings", R"({"input":["a","b"]})");
    std::vector<BatchSlot> slots(2);
    for (BatchSlot& slot : slots) {
      slot.answer.emplace();
      slot.answer->body = SharedBytes(R"({"data":[{"index":0,"embedding":[0.5]}]})");
    }
    const std::vector<std::size_t> positions = {0, 1};
    return testing::RunCoroutine(io_, ComposeBatch(core, plan.batch, slots, positions));
  }

  boost::asio::io_context io_;
  boost::asio::thread_pool pool_{1};
  boost::asio::thread_pool store_pool_{1};
  testing::Gate is_free_;
};

// It was an error, though all of it was there.
TEST_F(BusyPoolTest, ALargeBatchWaitsForItLongerThanForTheStore) {
  boost::asio::post(io_, [this] { is_free_.Open(); });
  const auto composed = Compose(store_pool_);
  ASSERT_TRUE(composed.has_value());
  EXPECT_EQ(composed->body, R"({"data":[{"index":0,"embedding":[0.5]},)"
                            R"({"index":1,"embedding":[0.5]}]})");
}

// What holds it up may never end.
TEST_F(BusyPoolTest, ALargeBatchIsComposedHereIfThePoolAlsoWaitsForTheStore) {
  const auto composed = Compose(pool_);
  ASSERT_TRUE(composed.has_value());
  EXPECT_TRUE(composed->body.has_value());
}

}  // namespace
}  // namespace larder::client
