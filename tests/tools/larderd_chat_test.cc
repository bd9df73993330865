// Chat completions through larderd: hits in both forms, what callers can ask for, shared flights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "larderd_process.h"
#include "provider_stand_in.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

constexpr std::string_view kPath = "/v1/chat/completions";
constexpr auto kPatience = std::chrono::minutes(1);

class LarderdChatTest : public ::testing::Test {
 protected:
  // Reading the recordings takes its time: once for all.
  struct Recorded {
    ProviderStandIn provider{{.files = {"chat_completions.json", "chat_completions.sse"}}};
    RecordedExchange json = Find("chat_completions.json");
    RecordedExchange stream = Find("chat_completions.sse");
  };
  static Recorded& Shared() {
    static Recorded recorded;
    return recorded;
  }

  LarderdChatTest() : gateway_(provider_.url()) {}
  ~LarderdChatTest() override {
    provider_.Release();
    provider_.CutNothing();
  }

  // The first plain one: an answer with text that ends by itself, with its usage.
  static RecordedExchange Find(const char* file) {
    for (RecordedExchange& exchange : LoadRecorded(file)) {
      if (exchange.status != 200) continue;
      const std::string& body = exchange.response_body;
      const bool ends = body.find(R"("finish_reason":"stop")") != std::string::npos ||
                        body.find(R"("finish_reason": "stop")") != std::string::npos;
      const bool streams_well =
          !exchange.is_stream || (body.find("data: [DONE]") != std::string::npos &&
                                  exchange.request_body.find("include_usage") != std::string::npos);
      if (ends && streams_well && body.find("total_tokens") != std::string::npos) return exchange;
    }
    throw std::runtime_error("no such exchange");
  }

  static client::Headers Fields(const RecordedExchange& exchange,
                                const client::Headers& more = {}) {
    client::Headers headers = {
        {"content-type", "application/json"},
        {"authorization", "Bearer one"},
        {"x-recorded", (exchange.is_stream ? "chat_completions.sse/" : "chat_completions.json/") +
                           std::to_string(exchange.index)}};
    for (const client::Header& field : more) headers.Set(field.name, field.value);
    return headers;
  }

  WireAnswer Chat(const RecordedExchange& exchange, const client::Headers& more = {}) {
    return Ask(gateway_.url(), "POST", kPath, exchange.request_body, Fields(exchange, more));
  }
  // Until what was fetched is stored: the caller has its answer before the store.
  WireAnswer ChatWhenStored(const RecordedExchange& exchange, const client::Headers& more = {}) {
    WireAnswer answer = Chat(exchange, more);
    while (answer.header("cache-status").find("collapsed") != std::string::npos) {
      answer = Chat(exchange, more);
    }
    return answer;
  }
  std::size_t calls() const { return provider_.calls().total - calls_before_; }

  const RecordedExchange& json_ = Shared().json;
  const RecordedExchange& stream_ = Shared().stream;
  ProviderStandIn& provider_ = Shared().provider;
  const std::size_t calls_before_ = provider_.calls().total;
  GatewayFixture gateway_;
};

TEST_F(LarderdChatTest, SecondCallIsAHitWithTheSameBytes) {
  const WireAnswer miss = Chat(json_);
  EXPECT_EQ(miss.status, 200);
  EXPECT_EQ(miss.body, json_.response_body);
  EXPECT_EQ(miss.header("cache-status"), "larder; fwd=miss; stored");
  EXPECT_FALSE(miss.headers.Has("age"));
  const WireAnswer hit = Chat(json_);
  EXPECT_EQ(hit.status, 200);
  EXPECT_EQ(hit.body, json_.response_body);
  EXPECT_THAT(hit.header("cache-status"),
              MatchesRegex("larder; hit; ttl=[0-9]+; key=\"[0-9a-f]{64}\""));
  EXPECT_EQ(hit.header("age"), "0");
  EXPECT_THAT(hit.header("larder-saved"), ContainsRegex("ms=[0-9]+"));
  EXPECT_EQ(hit.header("content-type"), miss.header("content-type"));
  EXPECT_FALSE(hit.headers.Has("set-cookie"));
  EXPECT_FALSE(hit.headers.Has("x-request-id"));
  EXPECT_EQ(calls(), 1U);
}

TEST_F(LarderdChatTest, StreamIsReplayedEventForEventAndAsJson) {
  const WireAnswer miss = Chat(stream_);
  EXPECT_EQ(miss.body, stream_.response_body);
  EXPECT_EQ(miss.header("cache-status"), "larder; fwd=miss");
  const WireAnswer hit = ChatWhenStored(stream_);
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit; "));
  EXPECT_THAT(hit.header("content-type"), StartsWith("text/event-stream"));
  EXPECT_THAT(hit.body, HasSubstr("data: [DONE]\n\n"));
  RecordedExchange as_json = stream_;
  Json request = Json::parse(stream_.request_body);
  request["stream"] = false;
  request.erase("stream_options");
  as_json.request_body = request.dump();
  const WireAnswer assembled = Chat(as_json);
  EXPECT_THAT(assembled.header("cache-status"), StartsWith("larder; hit; "));
  EXPECT_EQ(Json::parse(assembled.body).at("object"), "chat.completion");
  EXPECT_EQ(calls(), 1U);
}

TEST_F(LarderdChatTest, HitOutlivesTheProcess) {
  const WireAnswer miss = Chat(json_);
  ASSERT_THAT(miss.header("cache-status"), HasSubstr("stored"));
  gateway_.process().Signal(SIGKILL);
  gateway_.process().Wait();
  gateway_.Start();
  const WireAnswer hit = Chat(json_);
  EXPECT_THAT(hit.header("cache-status"), StartsWith("larder; hit; "));
  EXPECT_EQ(hit.body, miss.body);
  EXPECT_EQ(calls(), 1U);
}

TEST_F(LarderdChatTest, AnotherCredentialDoesNotHit) {
  Chat(json_);
  EXPECT_EQ(Chat(json_, {{"authorization", "Bearer two"}}).header("cache-status"),
            "larder; fwd=miss; stored");
  EXPECT_EQ(calls(), 2U);
  EXPECT_THAT(Chat(json_).header("cache-status"), StartsWith("larder; hit"));
}

TEST_F(LarderdChatTest, NamespaceSampleAndKeySeparate) {
  Chat(json_);
  for (const client::Header& field : std::vector<client::Header>{
           {"larder-namespace", "other"}, {"larder-sample", "1"}, {"larder-key", "mine"}}) {
    const client::Headers more = {field};
    EXPECT_THAT(Chat(json_, more).header("cache-status"), HasSubstr("fwd=miss")) << field.name;
    EXPECT_THAT(Chat(json_, more).header("cache-status"), HasSubstr("; hit")) << field.name;
  }
  EXPECT_EQ(calls(), 4U);
}

TEST_F(LarderdChatTest, CacheControlIsObeyed) {
  EXPECT_EQ(Chat(json_, {{"cache-control", "only-if-cached"}}).status, 504);
  EXPECT_EQ(calls(), 0U);
  Chat(json_, {{"cache-control", "no-store"}});
  EXPECT_EQ(Chat(json_, {{"cache-control", "only-if-cached"}}).status, 504) << "was stored";
  Chat(json_);
  EXPECT_EQ(calls(), 2U);
  EXPECT_THAT(Chat(json_, {{"cache-control", "only-if-cached"}}).header("cache-status"),
              StartsWith("larder; hit"));
  EXPECT_THAT(Chat(json_, {{"cache-control", "no-cache"}}).header("cache-status"),
              StartsWith("larder; fwd=request"));
  EXPECT_EQ(calls(), 3U);
  EXPECT_THAT(Chat(json_, {{"cache-control", "max-age=3600"}}).header("cache-status"),
              StartsWith("larder; hit"));
}

TEST_F(LarderdChatTest, TtlOfTheRequestIsTheEntrys) {
  Chat(json_, {{"larder-ttl", "60"}});
  EXPECT_THAT(Chat(json_).header("cache-status"), ContainsRegex("ttl=(60|59|58);"));
  Chat(stream_, {{"larder-ttl", "0"}});
  EXPECT_THAT(ChatWhenStored(stream_, {{"larder-ttl", "0"}}).header("cache-status"),
              HasSubstr("fwd=miss"));
}

TEST_F(LarderdChatTest, InvalidatedTagIsAMiss) {
  Chat(json_, {{"larder-tags", "a, b"}});
  Chat(json_, {{"larder-namespace", "other"}, {"larder-tags", "c"}});
  EXPECT_TRUE(gateway_.InvalidateTag("b"));
  EXPECT_THAT(Chat(json_, {{"larder-namespace", "other"}}).header("cache-status"),
              StartsWith("larder; hit"));
  EXPECT_THAT(Chat(json_).header("cache-status"), HasSubstr("fwd=miss"));
  EXPECT_EQ(calls(), 3U);
}

TEST_F(LarderdChatTest, TwoHundredCallersMakeOneCall) {
  for (const RecordedExchange* exchange : {&json_, &stream_}) {
    const std::size_t before = gateway_.Counter("coalesced");
    provider_.Hold();
    std::vector<WireClient> crowd;
    for (int i = 0; i < 200; ++i) {
      crowd.emplace_back(gateway_.url());
      crowd.back().SendRequest("POST", kPath, exchange->request_body, Fields(*exchange));
    }
    ASSERT_TRUE(gateway_.WaitForCounter("coalesced", before + 199));
    provider_.Release();
    int collapsed = 0;
    for (WireClient& caller : crowd) {
      const WireAnswer answer = caller.Read();
      EXPECT_EQ(answer.body, exchange->response_body);
      EXPECT_TRUE(answer.whole);
      if (answer.header("cache-status").find("collapsed") != std::string::npos) ++collapsed;
    }
    EXPECT_EQ(collapsed, 199);
  }
  EXPECT_EQ(calls(), 2U);
}

TEST_F(LarderdChatTest, FollowersSeeTheStreamFromItsFirstByteWhileItRuns) {
  provider_.Hold(2);
  WireClient leader(gateway_.url());
  leader.SendRequest("POST", kPath, stream_.request_body, Fields(stream_));
  WireAnswer first = leader.ReadHead();
  ASSERT_TRUE(provider_.WaitForHeld(1, kPatience));
  const std::string begin = stream_.response_body.substr(0, 40);
  WireClient follower(gateway_.url());
  follower.SendRequest("POST", kPath, stream_.request_body, Fields(stream_));
  WireAnswer second = follower.ReadHead();
  EXPECT_TRUE(follower.ReadUntil(second, begin)) << "while the provider still speaks";
  provider_.Release();
  leader.ReadRest(first);
  follower.ReadRest(second);
  EXPECT_EQ(first.body, stream_.response_body);
  EXPECT_EQ(second.body, stream_.response_body);
  EXPECT_EQ(calls(), 1U);
}

TEST_F(LarderdChatTest, LeaderThatHangsUpChangesNothingForTheOthers) {
  for (const RecordedExchange* exchange : {&json_, &stream_}) {
    const std::size_t before = gateway_.Counter("coalesced");
    const std::size_t calls_before = calls();
    provider_.Hold();
    WireClient leader(gateway_.url());
    leader.SendRequest("POST", kPath, exchange->request_body, Fields(*exchange));
    ASSERT_TRUE(provider_.WaitForHeld(1, kPatience));
    std::vector<WireClient> others;
    for (int i = 0; i < 5; ++i) {
      others.emplace_back(gateway_.url());
      others.back().SendRequest("POST", kPath, exchange->request_body, Fields(*exchange));
    }
    ASSERT_TRUE(gateway_.WaitForCounter("coalesced", before + 5));
    leader.Close();
    provider_.Release();
    for (WireClient& other : others) EXPECT_EQ(other.Read().body, exchange->response_body);
    EXPECT_EQ(calls(), calls_before + 1);
    EXPECT_THAT(ChatWhenStored(*exchange).header("cache-status"), StartsWith("larder; hit"));
  }
}

TEST_F(LarderdChatTest, AnswerThatNobodyWaitsForIsStoredAllTheSame) {
  provider_.Hold();
  {
    WireClient caller(gateway_.url());
    caller.SendRequest("POST", kPath, json_.request_body, Fields(json_));
    ASSERT_TRUE(provider_.WaitForHeld(1, kPatience));
  }
  provider_.Release();
  EXPECT_TRUE(gateway_.WaitForCounter("stores", 1));
  EXPECT_THAT(Chat(json_).header("cache-status"), StartsWith("larder; hit"));
  EXPECT_EQ(calls(), 1U);
}

TEST_F(LarderdChatTest, InvalidationInTheMiddleMakesASecondCall) {
  const client::Headers tagged = {{"larder-tags", "t"}};
  provider_.Hold();
  WireClient before(gateway_.url());
  before.SendRequest("POST", kPath, json_.request_body, Fields(json_, tagged));
  ASSERT_TRUE(provider_.WaitForHeld(1, kPatience));
  ASSERT_TRUE(gateway_.InvalidateTag("t"));
  WireClient after(gateway_.url());
  after.SendRequest("POST", kPath, json_.request_body, Fields(json_, tagged));
  ASSERT_TRUE(provider_.WaitForHeld(2, kPatience)) << "joined what began before the invalidation";
  provider_.Release();
  EXPECT_EQ(before.Read().body, json_.response_body);
  EXPECT_EQ(after.Read().body, json_.response_body);
  EXPECT_EQ(calls(), 2U);
  EXPECT_THAT(Chat(json_).header("cache-status"), StartsWith("larder; hit"));
}

TEST_F(LarderdChatTest, CutAnswersStayCutAndAreNotStored) {
  provider_.CutAfter(2);
  for (const RecordedExchange* exchange : {&json_, &stream_}) {
    const WireAnswer cut = Chat(*exchange);
    EXPECT_FALSE(cut.whole && cut.status == 200) << cut.body;
  }
  provider_.CutNothing();
  for (const RecordedExchange* exchange : {&json_, &stream_}) {
    const WireAnswer again = Chat(*exchange);
    EXPECT_THAT(again.header("cache-status"), HasSubstr("fwd=miss"));
    EXPECT_EQ(again.body, exchange->response_body);
  }
}

TEST_F(LarderdChatTest, DrainFinishesAStreamAndEnds) {
  provider_.Hold(2);
  WireClient idle(gateway_.url());
  EXPECT_EQ(idle.Ask("GET", "/healthz").status, 200);
  WireClient caller(gateway_.url());
  caller.SendRequest("POST", kPath, stream_.request_body, Fields(stream_));
  WireAnswer answer = caller.ReadHead();
  ASSERT_TRUE(provider_.WaitForHeld(1, kPatience));
  gateway_.process().Signal(SIGTERM);
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_THROW(WireClient(gateway_.url()), std::runtime_error) << "still accepts";
  provider_.Release();
  caller.ReadRest(answer);
  EXPECT_EQ(answer.body, stream_.response_body);
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(gateway_.process().Wait().exit_status, 0);
  gateway_.Start();
  EXPECT_THAT(Chat(stream_).header("cache-status"), StartsWith("larder; hit")) << "was stored";
}

}  // namespace
}  // namespace larder::testing
