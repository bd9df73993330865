// One caller at a time: hits, misses, forms, directives, what is stored and what is not.
#include "caching_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

class CachingServiceTest : public CachingFixture {
 protected:
  // The answer that a chat request gets next, as the upstream sends it.
  void ServeJson(const std::string& body) {
    Serve([body](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", body); });
  }
  void ServeEvents(const std::string& text) {
    Serve([text](UpstreamExchange& exchange) {
      exchange.BeginChunks(200, "text/event-stream");
      exchange.Chunk(text);
      exchange.EndChunks();
    });
  }
  // Asks until the first answer's fate is sealed, so that what follows is certain.
  Answer AskAndStore(const Request& request) {
    const std::uint64_t before = cache_->GetStats().stores;
    Answer answer = Ask(request);
    WaitForStores(before + 1);
    return answer;
  }
  void ExpectNotStored(const Request& request) {
    for (int i = 0; i < 2; ++i) EXPECT_EQ(Ask(request).cache, "larder; fwd=miss");
    EXPECT_EQ(cache_->GetStats().stores, 0);
  }
};

TEST_F(CachingServiceTest, JsonMissIsTheUpstreamsAnswerAndItsHitTheSameBytes) {
  Serve(AnswerChat);
  const Answer miss = AskAndStore(ChatRequest());
  EXPECT_EQ(miss.cache, "larder; fwd=miss; stored");
  EXPECT_EQ(miss.body, ChatJson());
  EXPECT_EQ(miss.headers.Joined("x-request-id"), "req_1");

  clock_.Advance(60s);
  const Answer hit = Ask(ChatRequest());
  EXPECT_THAT(hit.cache, StartsWith("larder; hit; ttl=86340; key=\""));
  EXPECT_EQ(hit.body, miss.body);
  EXPECT_EQ(hit.code, 200);
  EXPECT_EQ(hit.outcome.age, 60s);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingServiceTest, HitShowsOnlyHeadersThatDescribeTheAnswer) {
  Serve(AnswerChat);
  AskAndStore(ChatRequest());
  const Answer hit = Ask(ChatRequest());
  EXPECT_EQ(hit.headers.Joined("content-type"), "application/json");
  EXPECT_EQ(hit.headers.Joined("openai-version"), "2020-10-01");
  EXPECT_EQ(hit.headers.Joined("x-kept"), "yes");
  EXPECT_EQ(hit.headers.Joined("content-length"), std::to_string(ChatJson().size()));
  EXPECT_EQ(hit.headers.size(), 4);
}

TEST_F(CachingServiceTest, HitSaysWhatItSaved) {
  Serve(AnswerChat);
  AskAndStore(ChatRequest());
  const Answer hit = Ask(ChatRequest());
  EXPECT_EQ(hit.outcome.saved_microusd, 45);  // 10 × 2.5 + 2 × 10
  EXPECT_TRUE(hit.outcome.saved_time.has_value());
}

TEST_F(CachingServiceTest, BuiltInPricesServeWhereNoneIsConfigured) {
  config_.prices.clear();
  Serve(AnswerChat);
  AskAndStore(ChatRequest());
  EXPECT_EQ(Ask(ChatRequest()).outcome.saved_microusd, 45);
}

TEST_F(CachingServiceTest, NoSumIsNamedWithoutAPrice) {
  ServeJson(R"({"model":"a model of tomorrow","choices":[{"message":{"content":"hi"}}],
                "usage":{"prompt_tokens":10,"completion_tokens":2}})");
  Request request = ChatRequest();
  request.body = R"({"model":"a model of tomorrow","messages":[]})";
  AskAndStore(request);
  EXPECT_FALSE(Ask(request).outcome.saved_microusd.has_value());
  EXPECT_GT(cache_->GetStats().microusd_saved, 0u) << "guessed from the time that it took";
}

TEST_F(CachingServiceTest, StreamHitIsTheSameEventsWithoutPadding) {
  Serve(AnswerChat);
  const Answer miss = AskAndStore(ChatStreamRequest(true));
  EXPECT_EQ(miss.cache, "larder; fwd=miss");
  EXPECT_EQ(miss.body, Join(ChatEvents(true)));  // padding and all
  const Answer hit = Ask(ChatStreamRequest(true));
  EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
  EXPECT_EQ(hit.body, WithoutPadding(Join(ChatEvents(true))));
  EXPECT_THAT(hit.headers.Joined("content-type"), StartsWith("text/event-stream"));
}

TEST_F(CachingServiceTest, HitLeavesTheUsageOutForThoseWhoDidNotAsk) {
  Serve(AnswerChat);
  AskAndStore(ChatStreamRequest(true));
  const Answer hit = Ask(ChatStreamRequest(false));
  EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
  EXPECT_THAT(hit.body, Not(HasSubstr("prompt_tokens")));
  EXPECT_THAT(hit.body, HasSubstr("[DONE]"));
}

TEST_F(CachingServiceTest, StreamWithUsageAnswersJson) {
  Serve(AnswerChat);
  AskAndStore(ChatStreamRequest(true));
  const Answer hit = Ask(ChatRequest());
  EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
  EXPECT_EQ(hit.headers.Joined("content-type"), "application/json");
  EXPECT_EQ(hit.headers.Joined("content-length"), std::to_string(hit.body.size()));
  const json answer = json::parse(hit.body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "Hello there");
  EXPECT_EQ(answer["usage"], json::parse(ChatJson())["usage"]);
}

TEST_F(CachingServiceTest, JsonAnswersStreamsWithUsageAsAsked) {
  Serve(AnswerChat);
  AskAndStore(ChatRequest());
  for (const bool usage : {false, true}) {
    const Answer hit = Ask(ChatStreamRequest(usage));
    EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
    EXPECT_THAT(hit.headers.Joined("content-type"), StartsWith("text/event-stream"));
    EXPECT_FALSE(hit.headers.Has("content-length"));
    EXPECT_THAT(hit.body, HasSubstr("data: [DONE]\n\n"));
    EXPECT_EQ(hit.body.find("prompt_tokens") != std::string::npos, usage);
  }
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingServiceTest, LargeAnswersAreConvertedToo) {
  limits_.inline_bytes = limits_.convert_inline_bytes = 16;  // everything goes through the pool
  Serve(AnswerChat);
  AskAndStore(ChatRequest());
  EXPECT_THAT(Ask(ChatStreamRequest(true)).body, HasSubstr("data: [DONE]\n\n"));
}

TEST_F(CachingServiceTest, StreamWithoutUsageIsAMissForThoseWhoWantItAndIsReplaced) {
  for (const Request& wanting : {ChatRequest(), ChatStreamRequest(true)}) {
    Serve(AnswerChat);
    const Request prompt = wanting;
    AskAndStore(ChatStreamRequest(false));
    EXPECT_THAT(Ask(ChatStreamRequest(false)).cache, StartsWith("larder; hit"));
    const Answer miss = AskAndStore(wanting);
    EXPECT_THAT(miss.cache, StartsWith("larder; fwd=miss"));
    EXPECT_THAT(miss.cache, HasSubstr("detail=no-usage"));
    EXPECT_THAT(Ask(wanting).cache, StartsWith("larder; hit"));
    EXPECT_THAT(Ask(ChatStreamRequest(false)).cache, StartsWith("larder; hit"));
    EXPECT_EQ(upstream_->requests(), 2);
    ASSERT_OK(cache_->Invalidate({.tags = {}, .all = true}));
    Reopen();
  }
}

TEST_F(CachingServiceTest, EntriesOutliveTheProcessInBothForms) {
  Serve(AnswerChat);
  AskAndStore(ChatRequest("json"));
  AskAndStore(ChatStreamRequest(true, "stream"));
  Reopen();
  EXPECT_EQ(Ask(ChatRequest("json")).body, ChatJson());
  EXPECT_EQ(Ask(ChatStreamRequest(true, "stream")).body, WithoutPadding(Join(ChatEvents(true))));
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingServiceTest, OtherCredentialsNamespacesSamplesAndBodiesAreOtherKeys) {
  Serve(AnswerChat);
  AskAndStore(ChatRequest());
  std::vector<Request> others(4, ChatRequest());
  others[0].headers.Set("authorization", "Bearer two");
  others[1].directives.name_space = "n";
  others[2].directives.sample = 1;
  others[3] = ChatRequest("another");
  for (const Request& other : others) {
    EXPECT_EQ(AskAndStore(other).cache, "larder; fwd=miss; stored");
    EXPECT_THAT(Ask(other).cache, StartsWith("larder; hit"));
  }
  EXPECT_EQ(upstream_->requests(), 5);
}

TEST_F(CachingServiceTest, LarderKeyStandsInForTheBody) {
  Serve(AnswerChat);
  Request one = ChatRequest("one");
  Request two = ChatRequest("two");
  one.directives.key = two.directives.key = "the same";
  AskAndStore(one);
  EXPECT_THAT(Ask(two).cache, StartsWith("larder; hit"));
}

TEST_F(CachingServiceTest, UpstreamSeesNothingOfUs) {
  std::string head;
  Serve([&](UpstreamExchange& exchange) {
    head = exchange.head;
    AnswerChat(exchange);
  });
  Request request = ChatRequest();
  request.headers.Add("Larder-Tags", "secret");
  request.headers.Add("Accept-Encoding", "gzip, br");
  Ask(request);
  EXPECT_THAT(head, Not(HasSubstr("arder-")));
  EXPECT_THAT(head, HasSubstr("accept-encoding: identity\r\n"));
  EXPECT_THAT(head, HasSubstr("authorization: Bearer one\r\n"));
}

// Directives.

TEST_F(CachingServiceTest, NoCacheGoesUpstreamAndRefreshesTheEntry) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", ChatJson("answer " + std::to_string(exchange.number)));
  });
  AskAndStore(ChatRequest());
  Request refresh = ChatRequest();
  refresh.directives.no_cache = true;
  EXPECT_EQ(AskAndStore(refresh).cache, "larder; fwd=request; stored");
  EXPECT_EQ(Ask(ChatRequest()).body, ChatJson("answer 1"));
}

TEST_F(CachingServiceTest, NoStoreNeitherReadsNorWrites) {
  Serve(AnswerChat);
  Request request = ChatRequest();
  request.directives.no_store = true;
  EXPECT_EQ(Ask(request).cache, "larder; fwd=bypass; detail=no-store");
  EXPECT_EQ(AskAndStore(ChatRequest()).cache, "larder; fwd=miss; stored");
  EXPECT_EQ(Ask(request).cache, "larder; fwd=bypass; detail=no-store");
  EXPECT_EQ(upstream_->requests(), 3);
}

TEST_F(CachingServiceTest, OnlyIfCachedNeverGoesUpstream) {
  Serve(AnswerChat);
  Request only = ChatRequest();
  only.directives.only_if_cached = true;
  const Answer miss = Ask(only);
  EXPECT_EQ(miss.code, 504);
  EXPECT_TRUE(json::parse(miss.body).contains("error"));
  EXPECT_EQ(miss.headers.Joined("x-should-retry"), "false");
  EXPECT_EQ(upstream_->requests(), 0);
  AskAndStore(ChatRequest());
  EXPECT_THAT(Ask(only).cache, StartsWith("larder; hit"));
  Reopen();
  EXPECT_THAT(Ask(only).cache, StartsWith("larder; hit"));  // from disk
  Request models;
  models.method = "GET";
  models.target = "/v1/models";
  models.directives.only_if_cached = true;
  EXPECT_EQ(Ask(models).code, 504);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingServiceTest, MaxAgeAndMinFreshAndMaxStaleAreHeeded) {
  config_.cache.stale_while_revalidate = 1h;
  Reopen();
  Serve(AnswerChat);
  Request request = ChatRequest();
  request.directives.ttl = 100s;
  AskAndStore(request);
  clock_.Advance(60s);

  Request young = ChatRequest();
  young.directives.max_age = 60s;
  EXPECT_THAT(Ask(young).cache, StartsWith("larder; hit; ttl=40"));
  Request fresh = ChatRequest();
  fresh.directives.min_fresh = 40s;
  EXPECT_THAT(Ask(fresh).cache, StartsWith("larder; hit"));
  clock_.Advance(50s);
  Request stale = ChatRequest();
  stale.directives.max_stale = kForever;
  EXPECT_THAT(Ask(stale).cache, StartsWith("larder; hit; ttl=-10"));
  stale.directives.max_stale = 5s;
  EXPECT_EQ(AskAndStore(stale).cache, "larder; fwd=stale; stored");

  clock_.Advance(10s);
  young.directives.max_age = 5s;
  EXPECT_EQ(AskAndStore(young).cache, "larder; fwd=request; stored");
  fresh.directives.min_fresh = 25h;
  EXPECT_EQ(AskAndStore(fresh).cache, "larder; fwd=request; stored");
}

TEST_F(CachingServiceTest, LarderTtlIsTheLifetimeAndZeroStoresNothing) {
  Serve(AnswerChat);
  Request request = ChatRequest();
  request.directives.ttl = Duration(0);
  EXPECT_EQ(Ask(request).cache, "larder; fwd=miss");
  request.directives.ttl = 10s;
  EXPECT_EQ(AskAndStore(request).cache, "larder; fwd=miss; stored");
  clock_.Advance(9s);
  EXPECT_THAT(Ask(request).cache, StartsWith("larder; hit; ttl=1"));
  clock_.Advance(1s);
  EXPECT_EQ(Ask(request).cache, "larder; fwd=stale; stored");
}

TEST_F(CachingServiceTest, TagsCoverWhatIsStoredAndWhatIsRead) {
  Serve(AnswerChat);
  Request tagged = ChatRequest("tagged");
  tagged.directives.tags = {"a", "b"};
  AskAndStore(tagged);
  AskAndStore(ChatRequest("plain"));
  Invalidate("b");
  EXPECT_EQ(AskAndStore(ChatRequest("tagged")).cache, "larder; fwd=miss; stored");
  EXPECT_THAT(Ask(ChatRequest("plain")).cache, StartsWith("larder; hit"));
  Request reading = ChatRequest("plain");
  reading.directives.tags = {"b"};
  EXPECT_EQ(Ask(reading).cache, "larder; fwd=miss; stored");  // the entry began before
}

// What passes by.

TEST_F(CachingServiceTest, OtherPathsAndMethodsPassThrough) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", exchange.method + exchange.target + exchange.body);
  });
  Request models;
  models.method = "GET";
  models.target = "/v1/models?x=1";
  for (int i = 0; i < 2; ++i) {
    const Answer answer = Ask(models);
    EXPECT_EQ(answer.cache, "larder; fwd=bypass");
    EXPECT_EQ(answer.body, "GET/v1/models?x=1");
  }
  Request files = ChatRequest();
  files.target = "/v1/files";
  EXPECT_EQ(Ask(files).cache, "larder; fwd=bypass");
  EXPECT_EQ(upstream_->requests(), 3);
}

TEST_F(CachingServiceTest, StatefulAndMalformedRequestsPassThroughNamed) {
  Serve([](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", ChatJson()); });
  Request stateful = ChatRequest();
  stateful.body = R"({"model":"m","messages":[],"store":true})";
  EXPECT_EQ(Ask(stateful).cache, "larder; fwd=bypass; detail=stateful");
  Request malformed = ChatRequest();
  malformed.body = R"({"a":1,"a":2})";
  EXPECT_EQ(Ask(malformed).cache, "larder; fwd=bypass; detail=not-i-json");
}

TEST_F(CachingServiceTest, ErrorsPassUnchangedAndAreNotStored) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(429, "application/json", R"({ "error": 1 })", "retry-after: 7\r\n");
  });
  for (int i = 1; i <= 2; ++i) {
    const Answer answer = Ask(ChatRequest());
    EXPECT_EQ(answer.code, 429);
    EXPECT_EQ(answer.body, R"({ "error": 1 })");
    EXPECT_EQ(answer.headers.Joined("retry-after"), "7");
    EXPECT_EQ(answer.cache, "larder; fwd=miss");
    EXPECT_EQ(upstream_->requests(), i);
  }
}

TEST_F(CachingServiceTest, EncodedAnswersPassUnreadAndAreNotStored) {
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "application/json", "\x1f\x8b...", "content-encoding: br\r\n");
  });
  EXPECT_EQ(Ask(ChatRequest()).body, "\x1f\x8b...");
  ExpectNotStored(ChatRequest("another"));
}

TEST_F(CachingServiceTest, UnsoundJsonIsPassedOnAndNotStored) {
  const std::string error_under_200 = R"({"error":{"message":"overloaded"}})";
  for (const std::string& body : {error_under_200, ChatJson().substr(0, 60), std::string("{}")}) {
    ServeJson(body);
    EXPECT_EQ(Ask(ChatRequest(body)).body, body);
    ExpectNotStored(ChatRequest(body + "another"));
    Reopen();
  }
}

TEST_F(CachingServiceTest, StreamsWithoutEndOrWithAnErrorAreNotStored) {
  std::vector<std::string> events = ChatEvents(true);
  const std::string no_end = events[0] + events[1];
  const std::string error = events[0] + "data: {\"error\":{\"message\":\"x\"}}\n\n";
  for (const std::string& text : {no_end, error}) {
    ServeEvents(text);
    const Request request = ChatStreamRequest(true, std::to_string(text.size()));
    EXPECT_EQ(Ask(request).body, text);
    Ask(request);
    EXPECT_EQ(upstream_->requests(), 2);
    EXPECT_EQ(cache_->GetStats().stores, 0);
    Reopen();
  }
}

TEST_F(CachingServiceTest, StreamEndedByCloseIsStoredOnlyWithItsEndMark) {
  std::string text = Join(ChatEvents(true));
  Serve([&](UpstreamExchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + text);
    exchange.Close();
  });
  AskAndStore(ChatStreamRequest(true, "marked"));
  text.resize(text.size() - std::string("data: [DONE]\n\n").size());
  Ask(ChatStreamRequest(true, "unmarked"));
  EXPECT_THAT(Ask(ChatStreamRequest(true, "unmarked")).cache, StartsWith("larder; fwd=miss"));
  EXPECT_EQ(cache_->GetStats().stores, 1);
}

TEST_F(CachingServiceTest, CutAnswersAreErrorsAndNotStored) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.body.find("stream") != std::string::npos) {
      exchange.BeginChunks(200, "text/event-stream");
      exchange.Chunk(Join(ChatEvents(true)));  // even if all was there but the last chunk
    } else {
      exchange.Send(
          "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9999"
          "\r\n\r\n" +
          ChatJson());
    }
    exchange.Close();
  });
  const Answer stream = Ask(ChatStreamRequest(true));
  EXPECT_TRUE(stream.cut);
  EXPECT_THAT(stream.status, testing::HasCode(StatusCode::kUnavailable));
  const Answer whole = Ask(ChatRequest());
  EXPECT_FALSE(whole.cut);  // no head was given, so the caller gets a plain error
  EXPECT_THAT(whole.status, testing::HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(cache_->GetStats().stores, 0);
}

TEST_F(CachingServiceTest, AnswerOverTheLimitIsPassedOnAndNotStored) {
  limits_.max_body_bytes = 100;
  Serve(AnswerChat);
  EXPECT_EQ(Ask(ChatRequest()).body, ChatJson());
  EXPECT_EQ(Ask(ChatStreamRequest(true)).body, Join(ChatEvents(true)));
  EXPECT_EQ(upstream_->requests(), 2);
  EXPECT_EQ(cache_->GetStats().stores, 0);
}

TEST_F(CachingServiceTest, UnreachableUpstreamIsAnErrorAndTheNextCallTriesAgain) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number == 0) return exchange.Close();
    AnswerChat(exchange);
  });
  EXPECT_THAT(Ask(ChatRequest()).status, testing::HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(Ask(ChatRequest()).body, ChatJson());
}

TEST_F(CachingServiceTest, EntryInAnUnknownFormatIsAMissAndReplaced) {
  Serve(AnswerChat);
  const Answer first = AskAndStore(ChatRequest());
  const std::string hex = Ask(ChatRequest()).outcome.key;
  std::string key;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    key.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  WriteOptions options;
  options.metadata = "\x7f from the future";
  ASSERT_OK(cache_->Put(key, "whatever", options));
  EXPECT_EQ(AskAndStore(ChatRequest()).body, first.body);
  EXPECT_THAT(Ask(ChatRequest()).cache, StartsWith("larder; hit"));
  EXPECT_EQ(upstream_->requests(), 2);
}

}  // namespace
}  // namespace larder::client
