// Several callers at a time: one upstream call, streams from their first byte, leaders that leave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "caching_fixture.h"

namespace larder::client {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The upstream of this fixture answers when the test says so.
class CachingFlightTest : public CachingFixture {
 protected:
  // Answers as AnswerChat does, once `go_` is open; a stream's first event goes out at once.
  void ServeWhenTold() {
    Serve([this](UpstreamExchange& exchange) {
      if (exchange.body.find("\"stream\"") == std::string::npos) {
        go_.Wait();
        return AnswerChat(exchange);
      }
      const std::vector<std::string> events =
          ChatEvents(exchange.body.find("include_usage") != std::string::npos);
      exchange.BeginChunks(200, "text/event-stream", "set-cookie: a=b\r\n");
      exchange.Chunk(events[0]);
      go_.Wait();
      for (std::size_t i = 1; i < events.size(); ++i) exchange.Chunk(events[i]);
      exchange.EndChunks();
    });
  }
  void WaitForRequests(int count) {
    while (upstream_->requests() < count) std::this_thread::yield();
  }
  // The request's fetch is under way, and its caller waits.
  std::future<Answer> Lead(const Request& request) {
    const int before = upstream_->requests();
    std::future<Answer> leader = Begin(request);
    WaitForRequests(before + 1);
    return leader;
  }
  // A caller that has joined.
  std::future<Answer> Join(const Request& request, std::size_t index = 0) {
    const std::uint64_t before = cache_->GetStats().coalesced;
    std::future<Answer> follower = worker(index).Begin(request);
    WaitForJoined(before + 1);
    return follower;
  }
};

class CachingFlightInFormTest : public CachingFlightTest,
                                public ::testing::WithParamInterface<bool> {
 protected:
  bool stream() const { return GetParam(); }
  Request TheRequest() const { return stream() ? ChatStreamRequest(true) : ChatRequest(); }
  std::string TheBody() const { return stream() ? client::Join(ChatEvents(true)) : ChatJson(); }
};

TEST_P(CachingFlightInFormTest, TwoHundredCallersMakeOneCall) {
  ServeWhenTold();
  worker(1);
  std::vector<std::future<Answer>> callers;
  for (std::size_t i = 0; i < 200; ++i) callers.push_back(worker(i % 2).Begin(TheRequest()));
  WaitForJoined(199);
  go_.Open();
  int collapsed = 0;
  for (std::future<Answer>& caller : callers) {
    const Answer answer = caller.get();
    ASSERT_OK(answer.status);
    EXPECT_EQ(answer.body, TheBody());
    collapsed += answer.outcome.collapsed ? 1 : 0;
  }
  EXPECT_EQ(collapsed, 199);
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_P(CachingFlightInFormTest, LeaderThatHangsUpChangesNothingForOthers) {
  ServeWhenTold();
  auto leader = worker().Open(TheRequest());
  if (stream()) leader->Read();
  WaitForRequests(1);
  std::future<Answer> follower = Join(TheRequest(), 1);
  leader->HangUp();
  // A stream's caller had its head already.
  EXPECT_EQ(leader->status().code(), stream() ? StatusCode::kOk : StatusCode::kCancelled);
  go_.Open();
  const Answer answer = follower.get();
  EXPECT_OK(answer.status);
  EXPECT_EQ(answer.body, TheBody());
  EXPECT_THAT(Ask(TheRequest()).cache, StartsWith("larder; hit"));
  EXPECT_EQ(upstream_->requests(), 1);
}

INSTANTIATE_TEST_SUITE_P(Both, CachingFlightInFormTest, ::testing::Bool(), [](const auto& value) {
  return std::string(value.param ? "Stream" : "Json");
});

TEST_F(CachingFlightTest, FollowerReadsARunningStreamFromItsFirstByte) {
  ServeWhenTold();
  auto leader = worker().Open(ChatStreamRequest(true));
  EXPECT_EQ(leader->Read(), ChatEvents(true)[0]);
  auto follower = worker(1).Open(ChatStreamRequest(true));
  EXPECT_EQ(follower->Read(), ChatEvents(true)[0]);  // while the upstream waits
  EXPECT_EQ(FormatCacheStatus(follower->head().cache), "larder; fwd=miss; collapsed");
  EXPECT_TRUE(leader->head().headers.Has("set-cookie"));
  EXPECT_FALSE(follower->head().headers.Has("set-cookie"));
  go_.Open();
  std::string rest;
  while (const auto piece = follower->Read()) rest += *piece;
  EXPECT_OK(follower->status());
  EXPECT_THAT(rest, HasSubstr("[DONE]"));
}

TEST_F(CachingFlightTest, AnswerIsStoredThoughAllCallersHaveGone) {
  ServeWhenTold();
  auto leader = worker().Open(ChatStreamRequest(true));
  EXPECT_TRUE(leader->Read().has_value());
  leader->HangUp();
  go_.Open();
  WaitForStores(1);
  EXPECT_THAT(Ask(ChatStreamRequest(true)).cache, StartsWith("larder; hit"));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingFlightTest, InvalidationInTheMiddleMakesASecondCall) {
  ServeWhenTold();
  Request request = ChatRequest();
  request.directives.tags = {"t"};
  std::future<Answer> before = Lead(request);
  Invalidate("t");
  std::future<Answer> after = Begin(request);
  WaitForRequests(2);
  go_.Open();
  EXPECT_FALSE(before.get().outcome.collapsed);
  EXPECT_FALSE(after.get().outcome.collapsed);
  EXPECT_THAT(Ask(request).cache, StartsWith("larder; hit"));
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingFlightTest, NoCacheNeverJoinsAnOlderFlight) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatRequest());
  Request refresh = ChatRequest();
  refresh.directives.no_cache = true;
  std::future<Answer> refreshing = Begin(refresh);
  WaitForRequests(2);
  go_.Open();
  EXPECT_THAT(refreshing.get().cache, StartsWith("larder; fwd=request"));
  EXPECT_OK(leader.get().status);
}

TEST_F(CachingFlightTest, NoStoreNeitherJoinsNorIsJoined) {
  ServeWhenTold();
  Request apart = ChatRequest();
  apart.directives.no_store = true;
  std::future<Answer> first = Begin(apart);
  WaitForRequests(1);
  std::future<Answer> leader = Begin(ChatRequest());
  WaitForRequests(2);
  std::future<Answer> second = Begin(apart);
  WaitForRequests(3);
  go_.Open();
  EXPECT_EQ(first.get().cache, "larder; fwd=bypass; detail=no-store");
  EXPECT_EQ(second.get().cache, "larder; fwd=bypass; detail=no-store");
  EXPECT_EQ(leader.get().cache, "larder; fwd=miss; stored");
}

TEST_F(CachingFlightTest, OnlyIfCachedDoesNotWaitForAFlight) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatRequest());
  Request only = ChatRequest();
  only.directives.only_if_cached = true;
  EXPECT_EQ(Ask(only).code, 504);
  go_.Open();
  EXPECT_OK(leader.get().status);
}

TEST_F(CachingFlightTest, OtherCredentialDoesNotJoin) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatRequest());
  Request other = ChatRequest();
  other.headers.Set("authorization", "Bearer two");
  std::future<Answer> stranger = Begin(other);
  WaitForRequests(2);
  go_.Open();
  EXPECT_FALSE(stranger.get().outcome.collapsed);
  EXPECT_OK(leader.get().status);
}

// Callers of another form.

TEST_F(CachingFlightTest, JsonCallerBehindAStreamGetsItAssembled) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatStreamRequest(true));
  std::future<Answer> follower = Join(ChatRequest());
  go_.Open();
  const Answer answer = follower.get();
  EXPECT_EQ(answer.cache, "larder; fwd=miss; collapsed");
  EXPECT_EQ(answer.headers.Joined("content-type"), "application/json");
  EXPECT_EQ(json::parse(answer.body)["choices"][0]["message"]["content"], "Hello there");
  EXPECT_EQ(leader.get().body, client::Join(ChatEvents(true)));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingFlightTest, CallersWhoWantUsageBehindAStreamWithoutMakeOneCallOfTheirOwn) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatStreamRequest(false));
  std::future<Answer> json_caller = Begin(ChatRequest());
  WaitForRequests(2);
  std::future<Answer> stream_caller = Join(ChatStreamRequest(true), 1);
  go_.Open();
  EXPECT_THAT(json_caller.get().cache, HasSubstr("detail=no-usage"));
  const Answer stream = stream_caller.get();
  EXPECT_THAT(stream.body, HasSubstr("prompt_tokens"));
  EXPECT_THAT(stream.cache, StartsWith("larder; fwd=miss; collapsed"));
  EXPECT_OK(leader.get().status);
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingFlightTest, UsageIsTakenOutOfARunningStreamForThoseWhoDidNotAsk) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatStreamRequest(true));
  std::future<Answer> follower = Join(ChatStreamRequest(false));
  go_.Open();
  std::vector<std::string> events = ChatEvents(true);
  EXPECT_EQ(leader.get().body, client::Join(events));
  events.erase(events.end() - 2);
  EXPECT_EQ(follower.get().body, client::Join(events));  // all else the same bytes
}

TEST_F(CachingFlightTest, StreamCallerBehindJsonGetsEventsWhenItIsThere) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatRequest());
  std::future<Answer> follower = Join(ChatStreamRequest(false));
  go_.Open();
  const Answer answer = follower.get();
  EXPECT_EQ(answer.cache, "larder; fwd=miss; collapsed");
  EXPECT_THAT(answer.body, StartsWith("data: "));
  EXPECT_THAT(answer.body, HasSubstr("[DONE]"));
  EXPECT_THAT(answer.body, Not(HasSubstr("prompt_tokens")));
  EXPECT_EQ(leader.get().body, ChatJson());
}

TEST_F(CachingFlightTest, StreamCallerBehindSlowJsonGetsCommentsMeanwhile) {
  limits_.silence = Duration(1);
  limits_.between_comments = Duration(1);
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatRequest());
  auto follower = worker().Open(ChatStreamRequest(true));
  EXPECT_EQ(follower->head().status, 200);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(follower->Read().value(), StartsWith(":"));
  go_.Open();
  std::string rest;
  while (const auto piece = follower->Read()) rest += *piece;
  EXPECT_OK(follower->status());
  EXPECT_THAT(rest, HasSubstr("data: [DONE]\n\n"));
  EXPECT_OK(leader.get().status);
}

TEST_F(CachingFlightTest, LateErrorOfSlowJsonIsAnEventInTheStream) {
  limits_.silence = Duration(1);
  Serve([this](UpstreamExchange& exchange) {
    go_.Wait();
    exchange.Answer(500, "application/json", R"({"error":{"message":"overloaded"}})");
  });
  std::future<Answer> leader = Lead(ChatRequest());
  auto follower = worker().Open(ChatStreamRequest(true));
  EXPECT_EQ(follower->head().status, 200);
  go_.Open();
  std::string text;
  while (const auto piece = follower->Read()) text += *piece;
  EXPECT_THAT(text, HasSubstr("data: {\"error\":{\"message\":\"overloaded\"}}\n\n"));
  EXPECT_THAT(text, Not(HasSubstr("[DONE]")));
  EXPECT_EQ(leader.get().code, 500);
}

// Hanging up, in every phase of waiting: the caller learns kCancelled, nobody else anything.

TEST_F(CachingFlightTest, HangingUpBehindAJsonFlightIsCancelled) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatRequest());
  for (const Request& request : {ChatRequest(), ChatStreamRequest(true)}) {
    const std::uint64_t before = cache_->GetStats().coalesced;
    auto follower = worker().Open(request);
    WaitForJoined(before + 1);
    follower->HangUp();
    EXPECT_THAT(follower->status(), testing::HasCode(StatusCode::kCancelled));
  }
  go_.Open();
  EXPECT_EQ(leader.get().body, ChatJson());
}

TEST_F(CachingFlightTest, HangingUpWhileTheStoreHangsIsCancelled) {
  Serve(AnswerChat);
  HangStore();
  limits_.inline_bytes = 10;  // understood on a thread that hangs
  auto own = MakeWorker();
  auto caller = own->Open(ChatRequest());
  caller->HangUp();
  EXPECT_THAT(caller->status(), testing::HasCode(StatusCode::kCancelled));
  EXPECT_EQ(upstream_->requests(), 0);
}

// Upstreams that fail.

TEST_F(CachingFlightTest, ErrorGoesToAllFollowersInEitherForm) {
  Serve([this](UpstreamExchange& exchange) {
    go_.Wait();
    exchange.Answer(503, "application/json", R"({"error":"busy"})");
  });
  std::future<Answer> leader = Lead(ChatRequest());
  std::future<Answer> same = Join(ChatRequest(), 1);
  std::future<Answer> other = Join(ChatStreamRequest(true));
  go_.Open();
  for (std::future<Answer>* caller : {&leader, &same, &other}) {
    const Answer answer = caller->get();
    EXPECT_EQ(answer.code, 503);
    EXPECT_EQ(answer.body, R"({"error":"busy"})");
  }
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingFlightTest, UpstreamWithoutAHeadFailsAllFollowers) {
  Serve([this](UpstreamExchange& exchange) {
    go_.Wait();
    exchange.Close();
  });
  std::future<Answer> leader = Lead(ChatRequest());
  std::future<Answer> follower = Join(ChatStreamRequest(true));
  go_.Open();
  EXPECT_THAT(leader.get().status, testing::HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(follower.get().status, testing::HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingFlightTest, CutStreamIsAnErrorForAllWhoReadIt) {
  Serve([this](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk(ChatEvents(true)[0]);
    go_.Wait();
    exchange.Reset();
  });
  std::future<Answer> leader = Lead(ChatStreamRequest(true));
  std::future<Answer> same = Join(ChatStreamRequest(true), 1);
  std::future<Answer> filtered = Join(ChatStreamRequest(false));
  std::future<Answer> assembled = Join(ChatRequest());
  go_.Open();
  for (std::future<Answer>* caller : {&leader, &same, &filtered}) {
    const Answer answer = caller->get();
    EXPECT_TRUE(answer.cut);
    EXPECT_EQ(answer.body, ChatEvents(true)[0]);
  }
  EXPECT_THAT(assembled.get().status, testing::HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(upstream_->requests(), 1);
  EXPECT_EQ(cache_->GetStats().stores, 0);
}

TEST_F(CachingFlightTest, ClosingTheLoopOfALeaderSendsFollowersToFetchThemselves) {
  Serve([this](UpstreamExchange& exchange) {
    if (exchange.number == 0) {
      asked_.Open();
      return exchange.WaitForHangUp();
    }
    AnswerChat(exchange);
  });
  worker(0);
  auto doomed = MakeWorker();
  std::future<Answer> leader = doomed->Begin(ChatRequest());
  ASSERT_TRUE(asked_.Wait());
  std::future<Answer> follower = Join(ChatRequest());
  doomed.reset();
  EXPECT_EQ(follower.get().body, ChatJson());
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingFlightTest, FollowerMayGoBeforeTheFlightEnds) {
  ServeWhenTold();
  std::future<Answer> leader = Lead(ChatStreamRequest(true));
  auto doomed = MakeWorker();
  const std::uint64_t before = cache_->GetStats().coalesced;
  std::future<Answer> follower = doomed->Begin(ChatStreamRequest(true));
  WaitForJoined(before + 1);
  doomed.reset();  // its io_context is gone when the flight goes on
  go_.Open();
  EXPECT_EQ(leader.get().body, client::Join(ChatEvents(true)));
}

// A store that hangs.

TEST_F(CachingFlightTest, LargeHitIsConvertedThoughTheStoreHangs) {
  Serve(AnswerChat);
  Ask(ChatRequest());
  WaitForStores(1);
  limits_.lookup = Duration(20);
  limits_.convert_inline_bytes = 16;
  auto careful = MakeWorker();
  HangStore();
  EXPECT_THAT(careful->Ask(ChatStreamRequest(true)).body, HasSubstr("[DONE]"));
}

TEST_F(CachingFlightTest, LargeHitWaitsForABusyPoolWhileOthersAreServed) {
  const std::string text = ChatJson(std::string(1000, 'a'));
  Serve([text](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", text); });
  Ask(ChatRequest());
  WaitForStores(1);
  boost::asio::thread_pool store(1);
  store_threads_ = std::make_shared<StoreThreads>(store);
  limits_.lookup = Duration(0);
  limits_.inline_bytes = 500;
  limits_.convert_inline_bytes = 16;
  auto careful = MakeWorker();
  HangStore();  // all threads that compute
  std::future<Answer> converted = careful->Begin(ChatStreamRequest(true));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(careful->Ask(ChatRequest()).body, text);
  EXPECT_EQ(converted.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  store_returns_.Open();
  EXPECT_THAT(converted.get().body, HasSubstr("[DONE]"));
  careful.reset();
  store.join();
}

TEST_F(CachingFlightTest, LargeRequestPassesByAStoreThatHangs) {
  limits_.lookup = Duration(20);
  limits_.inline_bytes = 10;
  Serve(AnswerChat);
  HangStore();
  EXPECT_EQ(Ask(ChatRequest()).cache, "larder; fwd=bypass; detail=store-unavailable");
  EXPECT_EQ(refusals_->Counts()["store-unavailable"], 1U);
}

TEST_F(CachingFlightTest, StoreThatHangsIsPassedBy) {
  limits_.lookup = Duration(20);
  config_.cache.max_memory_bytes = std::uint64_t{32} << 20;
  const std::string large = ChatJson(std::string(3'000'000, 'a'));  // too large for the hot tier
  Serve([large](UpstreamExchange& exchange) { exchange.Answer(200, "application/json", large); });
  EXPECT_EQ(Ask(ChatRequest()).cache, "larder; fwd=miss; stored");
  HangStore();
  for (unsigned i = 1; i <= 3; ++i) {
    const Answer answer = Ask(ChatRequest());
    EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=store-unavailable");
    EXPECT_EQ(refusals_->Counts()["store-unavailable"], i);
    EXPECT_EQ(answer.body, large);
    EXPECT_EQ(store_threads_->unfinished(), 1U) << "the first waited, for all";
  }
  store_returns_.Open();
  while (store_threads_->unfinished() > 0) std::this_thread::yield();
  limits_.lookup = std::chrono::minutes(1);  // however busy the machine is
  EXPECT_THAT(MakeWorker()->Ask(ChatRequest()).cache, HasSubstr("larder; hit"));
}

TEST_F(CachingFlightTest, MissThatMemoryTellsOfNeedsNoStoreThatAnswers) {
  limits_.store = std::chrono::minutes(1);
  Serve(AnswerChat);
  HangStore();
  const Answer answer = Ask(ChatRequest());
  EXPECT_EQ(answer.cache, "larder; fwd=miss; stored") << "the cache writes by a thread of its own";
  EXPECT_EQ(answer.body, ChatJson());
}

TEST_F(CachingFlightTest, NobodyWaitsForAStoreThatHangsMeanwhile) {
  limits_.store = std::chrono::minutes(1);
  limits_.lookup = Duration(20);
  limits_.inline_bytes = 1000;  // answers are understood on a thread that hangs
  ServeWhenTold();
  std::future<Answer> whole = Lead(ChatRequest());
  std::future<Answer> stream = Lead(ChatStreamRequest(true, "another"));
  std::future<Answer> behind = Join(ChatRequest("another"));
  HangStore();
  go_.Open();
  EXPECT_EQ(behind.get().code, 200);
  const Answer answer = whole.get();
  EXPECT_EQ(answer.body, ChatJson());
  EXPECT_EQ(answer.cache, "larder; fwd=miss; stored");
  EXPECT_EQ(stream.get().body, client::Join(ChatEvents(true)));
  store_returns_.Open();
  WaitForStores(2);
}

}  // namespace
}  // namespace larder::client
