// What the key leaves out of a request, where it may be what the answer is about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "caching_fixture.h"
#include "embeddings_exchange.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::StartsWith;
using std::chrono_literals::operator""s;

class LeftOutFieldsTest : public CachingFixture {
 protected:
  // Refuses what has that field.
  void ServeThoseWithout(const std::string& field) {
    config_.cache.negative_ttl = 30s;
    Reopen();
    Serve([field](UpstreamExchange& exchange) {
      const json request = json::parse(exchange.body);
      if (request.contains(field)) {
        return exchange.Answer(400, "application/json", R"({"error":{"message":"not known"}})");
      }
      if (request.contains("messages")) return AnswerChat(exchange);
      exchange.Answer(200, "application/json", EmbeddingsAnswer(request).dump());
    });
  }
  static Request With(Request request, const std::string& field, const json& value) {
    json body = json::parse(request.body);
    body[field] = value;
    request.body = body.dump();
    return request;
  }
};

TEST_F(LeftOutFieldsTest, AnErrorThatMayBeAboutOneIsNotKept) {
  const std::map<std::string, json> fields = {{"metadata", {{"a", "b"}}},
                                              {"service_tier", "auto"},
                                              {"prompt_cache_retention", "24h"},
                                              {"stream_options", {{"include_usage", true}}},
                                              {"user", "u"}};
  for (const auto& [field, value] : fields) {
    ServeThoseWithout(field);
    EXPECT_EQ(MakeWorker()->Ask(With(ChatRequest(field), field, value)).code, 400) << field;
    EXPECT_EQ(MakeWorker()->Ask(ChatRequest(field)).code, 200) << field;
  }
  EXPECT_EQ(refusals_->Counts(), (std::map<std::string, std::uint64_t>{{"status", 5}}));
}

TEST_F(LeftOutFieldsTest, NorIsOneOnABatchOfEmbeddings) {
  ServeThoseWithout("encoding_format");
  EXPECT_EQ(Ask(EmbeddingsRequest({"a", "b"}, "base64")).code, 400);
  EXPECT_EQ(Ask(EmbeddingsRequest({"a", "b"}, nullptr)).code, 200);
}

TEST_F(LeftOutFieldsTest, AnErrorOnAStreamIsKeptForJsonToo) {
  ServeThoseWithout("messages");
  EXPECT_EQ(Ask(ChatStreamRequest(/*usage=*/false)).code, 400);
  WaitForStores(1);
  EXPECT_THAT(Ask(ChatRequest()).cache, StartsWith("larder; hit"));
}

// To an API that is not known `?key=` may name what is asked for.
TEST_F(LeftOutFieldsTest, CallersOfPlainHttpWhoShareGetTheAnswerToTheirOwnUrl) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/plain", "of " + exchange.target);
  });
  UseAllDialects();
  const auto stack = MakeStackWorker("weather");
  Request request;
  request.method = "GET";
  request.scope = "namespace";
  for (const char* target : {"/now?key=a", "/now?key=b"}) {
    request.target = target;
    EXPECT_EQ(stack->Ask(request).body, std::string("of ") + target);
    const Answer hit = stack->Ask(request);
    EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
    EXPECT_EQ(hit.body, std::string("of ") + target);
  }
}

}  // namespace
}  // namespace larder::client
