// Any API over HTTP through the whole stack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "caching_fixture.h"
#include "larder/client/credentials.h"

namespace larder::client {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""s;

class CachingHttpTest : public CachingFixture {
 protected:
  // Answers `body` under `more` header fields, numbered.
  void ServeText(std::string more = "", int status = 200) {
    Serve([more = std::move(more), status](UpstreamExchange& exchange) {
      exchange.Answer(status, "text/plain", "answer " + std::to_string(exchange.number), more);
    });
    Use();
  }
  void Use() {
    ProviderConfig& provider = config_.providers["weather"];
    provider.dialect = "http";
    provider.base_url = upstream_->base_url();
    provider.retry.max_attempts = 1;
    provider.upstream_freshness = freshness_;
    stack_ = MakeStackWorker("weather");
  }
  static Request Get(const std::string& target = "/weather") {
    Request request;
    request.method = "GET";
    request.target = target;
    return request;
  }
  Answer Ask(const Request& request = Get()) { return stack_->Ask(request); }

  bool freshness_ = false;
  std::unique_ptr<Worker> stack_;
};

TEST_F(CachingHttpTest, AnswerOfAnyTypeIsStoredAsItIs) {
  std::string bytes;
  for (int i = 0; i < 70'000; ++i) bytes.push_back(static_cast<char>(i * 31));
  Serve([&](UpstreamExchange& exchange) {
    exchange.Answer(203, "image/odd", bytes, "etag: \"e\"\r\nx-trace: 1\r\nlink: <a>\r\n");
  });
  Use();
  EXPECT_EQ(Ask().cache, "larder; fwd=miss; stored");
  Reopen();
  stack_ = MakeStackWorker("weather");
  const Answer hit = Ask();
  EXPECT_THAT(hit.cache, StartsWith("larder; hit; ttl="));
  EXPECT_EQ(hit.code, 203);
  EXPECT_EQ(hit.body, bytes);
  EXPECT_EQ(*hit.headers.Find("content-type"), "image/odd");
  EXPECT_EQ(*hit.headers.Find("etag"), "\"e\"");
  EXPECT_EQ(*hit.headers.Find("content-length"), "70000");
  EXPECT_FALSE(hit.headers.Has("x-trace"));
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingHttpTest, OtherUrlsAndMethodsAreOtherAnswers) {
  ServeText();
  EXPECT_EQ(Ask().body, "answer 0");
  EXPECT_EQ(Ask(Get("/weather?x")).body, "answer 1");
  Request post = Get();
  post.method = "POST";
  EXPECT_EQ(Ask(post).cache, "larder; fwd=bypass; detail=stateful");
  Request put = Get();
  put.method = "PUT";
  EXPECT_EQ(Ask(put).cache, "larder; fwd=bypass");
  EXPECT_EQ(Ask().body, "answer 0");
  EXPECT_EQ(upstream_->requests(), 4);
}

TEST_F(CachingHttpTest, PolicyCachesPosts) {
  PolicyRule rule;
  rule.cache_stateful = true;
  config_.policy = Policy({rule});
  ServeText();
  Request post = Get();
  post.method = "POST";
  post.body = "question";
  EXPECT_EQ(Ask(post).cache, "larder; fwd=miss; stored");
  EXPECT_THAT(Ask(post).cache, StartsWith("larder; hit"));
  post.body = "another";
  EXPECT_EQ(Ask(post).cache, "larder; fwd=miss; stored");
}

TEST_F(CachingHttpTest, EmptyAnswerIsAnAnswer) {
  Serve([](UpstreamExchange& exchange) { exchange.Send("HTTP/1.1 204 No Content\r\n\r\n"); });
  Use();
  EXPECT_EQ(Ask().cache, "larder; fwd=miss; stored");
  const Answer hit = Ask();
  EXPECT_THAT(hit.cache, StartsWith("larder; hit"));
  EXPECT_EQ(hit.code, 204);
  EXPECT_FALSE(hit.headers.Has("content-length"));
}

TEST_F(CachingHttpTest, WhatMayBeCutOrIsForOneCallerOnlyIsNotStored) {
  Serve([](UpstreamExchange& exchange) {
    if (exchange.target == "/close") {
      exchange.Send("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf");
      return exchange.Close();
    }
    const std::string more = exchange.target == "/vary"     ? "vary: user-agent\r\n"
                             : exchange.target == "/cookie" ? "set-cookie: a=b\r\n"
                                                            : "content-encoding: zstd\r\n";
    exchange.Answer(exchange.target == "/part" ? 206 : 200, "text/plain", "x", more);
  });
  Use();
  for (const char* target : {"/close", "/vary", "/cookie", "/part", "/coded"}) {
    for (int i = 0; i < 2; ++i) EXPECT_EQ(Ask(Get(target)).cache, "larder; fwd=miss") << target;
  }
  EXPECT_EQ(upstream_->requests(), 10);
}

TEST_F(CachingHttpTest, EventStreamIsPassedOnAsItComes) {
  Serve([](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/event-stream");
    exchange.Chunk("data: 1\n\n");
    exchange.EndChunks();
  });
  Use();
  for (int i = 0; i < 2; ++i) {
    const Answer answer = Ask();
    EXPECT_EQ(answer.cache, "larder; fwd=miss");
    EXPECT_EQ(answer.body, "data: 1\n\n");
  }
}

TEST_F(CachingHttpTest, UpstreamsFreshnessIsHeededWhereItIsAskedFor) {
  freshness_ = true;
  ServeText("cache-control: max-age=60\r\nage: 20\r\n");
  ASSERT_EQ(Ask().cache, "larder; fwd=miss; stored");
  EXPECT_LE(*Ask().outcome.ttl, Duration(40s));
  EXPECT_GT(*Ask().outcome.ttl, Duration(0));
  clock_.Advance(40s);
  EXPECT_EQ(Ask().body, "answer 1");
  Request own = Get("/own");
  own.directives.ttl = 1h;  // who asks knows best
  EXPECT_EQ(Ask(own).cache, "larder; fwd=miss; stored");
  EXPECT_EQ(Ask(own).outcome.ttl, Duration(1h));
}

TEST_F(CachingHttpTest, UpstreamsFreshnessIsNothingWhereItIsNotAskedFor) {
  ServeText("cache-control: no-store, max-age=60\r\n");
  ASSERT_EQ(Ask().cache, "larder; fwd=miss; stored");
  EXPECT_EQ(Ask().outcome.ttl, Duration(24h));
}

TEST_F(CachingHttpTest, WhatTheUpstreamForbidsIsNotStored) {
  freshness_ = true;
  Serve([](UpstreamExchange& exchange) {
    exchange.Answer(200, "text/plain", "x", "cache-control: " + exchange.target.substr(1) + "\r\n");
  });
  Use();
  for (const char* target : {"/no-store", "/private", "/max-age=0", "/no-cache"}) {
    Request request = Get(target);
    EXPECT_EQ(Ask(request).cache, "larder; fwd=miss");
    request.directives.ttl = 1h;
    const bool came_stale = std::string_view(target) == "/max-age=0";  // it may be kept
    EXPECT_EQ(Ask(request).cache, came_stale ? "larder; fwd=miss; stored" : "larder; fwd=miss");
  }
  Request mine = Get("/private");
  mine.headers.Set("authorization", "Bearer me");
  EXPECT_EQ(Ask(mine).cache, "larder; fwd=miss; stored") << "nobody else gets it";
}

// Whoever asks is told who asked, under the header fields that the path names.
class CachingForOneCallerTest : public CachingHttpTest {
 protected:
  void ServeNames() {
    freshness_ = true;
    Serve([](UpstreamExchange& exchange) {
      const std::string name = exchange.header("authorization") + exchange.header("x-auth-token");
      const std::string more = exchange.target == "/private" ? "cache-control: private, max-age=600"
                               : exchange.target == "/vary"  ? "vary: Authorization"
                                                             : "etag: \"e\"";
      exchange.Answer(200, "text/plain", "you are " + name, more + "\r\n");
    });
    Use();
  }
  static Request As(const std::string& who, const std::string& target) {
    Request request = Get(target);
    request.headers.Set("authorization", who);
    return request;
  }
};

// As they do by `gateway.isolation: "namespace"`.
TEST_F(CachingForOneCallerTest, NothingIsKeptForWhereCallersShare) {
  ServeNames();
  for (const char* target : {"/private", "/vary"}) {
    for (const char* who : {"alice", "bob"}) {
      Request request = As(who, target);
      request.scope = "namespace";
      const Answer answer = Ask(request);
      EXPECT_EQ(answer.cache, "larder; fwd=miss") << target;
      EXPECT_EQ(answer.body, std::string("you are ") + who) << target;
    }
  }
  Request shared = As("alice", "/plain");
  shared.scope = "namespace";
  EXPECT_EQ(Ask(shared).cache, "larder; fwd=miss; stored");
  shared.headers.Set("authorization", "bob");
  EXPECT_EQ(Ask(shared).body, "you are alice") << "what is for all of them is";
}

TEST_F(CachingForOneCallerTest, ItIsKeptForThatCallerWhereEachHasItsOwnScope) {
  ServeNames();
  for (const char* target : {"/private", "/vary"}) {
    for (const char* who : {"alice", "bob"}) {
      EXPECT_EQ(Ask(As(who, target)).cache, "larder; fwd=miss; stored") << target;
      EXPECT_EQ(Ask(As(who, target)).body, std::string("you are ") + who) << target;
    }
  }
  EXPECT_EQ(upstream_->requests(), 4);
}

// Whose key was taken out of the request by who proved it.
TEST_F(CachingForOneCallerTest, ProvedCallerIsOneToo) {
  ServeNames();
  Request request = Get("/private");
  for (const char* who : {"alice", "bob"}) {
    request.scope = CredentialScope({Headers{{"authorization", who}}, "/", "http"}, "secret");
    EXPECT_EQ(Ask(request).cache, "larder; fwd=miss; stored");
    EXPECT_THAT(Ask(request).cache, StartsWith("larder; hit"));
  }
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingForOneCallerTest, FieldThatSoundsLikeACredentialTellsCallersApart) {
  ServeNames();
  for (const char* who : {"alice", "bob"}) {
    Request request = Get("/me");
    request.headers.Set("X-Auth-Token", who);
    EXPECT_EQ(Ask(request).cache, "larder; fwd=miss; stored");
    EXPECT_EQ(Ask(request).body, std::string("you are ") + who);
  }
  EXPECT_EQ(upstream_->requests(), 2);
}

TEST_F(CachingHttpTest, UpstreamsStaleWindowsHold) {
  freshness_ = true;
  Serve([](UpstreamExchange& exchange) {
    if (exchange.number > 0) return exchange.Answer(503, "text/plain", "down");
    exchange.Answer(200, "text/plain", "up", "cache-control: max-age=60, stale-if-error=600\r\n");
  });
  Use();
  ASSERT_EQ(Ask().body, "up");
  clock_.Advance(100s);
  const Answer stale = Ask();
  EXPECT_EQ(stale.body, "up");
  EXPECT_THAT(stale.cache, HasSubstr("fwd=stale; fwd-status=503"));
  EXPECT_THAT(stale.cache, HasSubstr("detail=stale-if-error"));
}

TEST_F(CachingHttpTest, CallersAtOnceShareOneFetch) {
  Serve([this](UpstreamExchange& exchange) {
    asked_.Open();
    go_.Wait();
    exchange.Answer(200, "text/plain", "once");
  });
  Use();
  std::future<Answer> first = stack_->Begin(Get());
  asked_.Wait();
  std::future<Answer> second = stack_->Begin(Get());
  WaitForJoined(1);
  go_.Open();
  EXPECT_EQ(first.get().body, "once");
  const Answer joined = second.get();
  EXPECT_EQ(joined.body, "once");
  EXPECT_EQ(joined.cache, "larder; fwd=miss; collapsed");
  EXPECT_EQ(upstream_->requests(), 1);
}

// What a caller who waits for another's answer gets of it.
class CachingHttpFollowerTest : public CachingHttpTest {
 protected:
  // Answers the first request once it is told to, all others at once: who asked, under `more`.
  void ServeSlowly(std::string more, int status = 200, std::string type = "text/plain") {
    Serve([this, more = std::move(more), status, type](UpstreamExchange& exchange) {
      if (exchange.number == 0) {
        asked_.Open();
        go_.Wait();
      }
      exchange.Answer(status, type, "you are " + exchange.header("user-agent"), more);
    });
    Use();
  }
  static Request From(const std::string& agent) {
    Request request = Get();
    request.headers.Set("user-agent", agent);
    return request;
  }
  // Three at once; what each of those who waited got.
  std::vector<Answer> AskBehindOne() {
    std::future<Answer> first = stack_->Begin(From("phone"));
    asked_.Wait();
    std::vector<std::future<Answer>> others;
    for (const char* agent : {"desktop", "tablet"}) others.push_back(stack_->Begin(From(agent)));
    WaitForJoined(2);
    go_.Open();
    EXPECT_EQ(first.get().body, "you are phone");
    std::vector<Answer> answers;
    for (std::future<Answer>& other : others) answers.push_back(other.get());
    return answers;
  }
  void ExpectTheirOwn() {
    const std::vector<Answer> answers = AskBehindOne();
    EXPECT_EQ(answers[0].body, "you are desktop");
    EXPECT_EQ(answers[1].body, "you are tablet");
    for (const Answer& answer : answers) {
      EXPECT_EQ(answer.cache, "larder; fwd=bypass; detail=not-shared");
    }
    EXPECT_EQ(upstream_->requests(), 3);
    EXPECT_EQ(refusals_->Counts()["not-shared"], 2U);
  }
};

TEST_F(CachingHttpFollowerTest, GetsAnAnswerOfItsOwnWhereTheKeyDoesNotSayAll) {
  ServeSlowly("vary: user-agent\r\n");
  ExpectTheirOwn();
}

TEST_F(CachingHttpFollowerTest, GetsACookieOfItsOwn) {
  ServeSlowly("set-cookie: session=1\r\n");
  for (const Answer& answer : AskBehindOne()) {
    EXPECT_EQ(answer.headers.Joined("set-cookie"), "session=1");
  }
  EXPECT_EQ(upstream_->requests(), 3);
}

TEST_F(CachingHttpFollowerTest, GetsNothingThatMayNotBeKept) {
  freshness_ = true;
  ServeSlowly("cache-control: no-store\r\n");
  ExpectTheirOwn();
}

TEST_F(CachingHttpFollowerTest, GetsNoErrorOfAnother) {
  ServeSlowly("vary: user-agent\r\n", 404);
  ExpectTheirOwn();
}

TEST_F(CachingHttpFollowerTest, GetsNoStreamOfAnother) {
  ServeSlowly("vary: user-agent\r\n", 200, "text/event-stream");
  ExpectTheirOwn();
}

// All who ask meanwhile would else ask an upstream in trouble, one more time each.
TEST_F(CachingHttpFollowerTest, SharesTheUpstreamsTrouble) {
  ServeSlowly("vary: user-agent\r\nset-cookie: balancer=1\r\n", 503);
  for (const Answer& answer : AskBehindOne()) {
    EXPECT_EQ(answer.code, 503);
    EXPECT_FALSE(answer.headers.Has("set-cookie"));
    EXPECT_THAT(answer.cache, StartsWith("larder; fwd=miss; collapsed"));
  }
  EXPECT_EQ(upstream_->requests(), 1);
}

TEST_F(CachingHttpTest, OnlyIfCachedThatIsNotCachedIsAPlainError) {
  ServeText();
  Request request = Get();
  request.directives.only_if_cached = true;
  const Answer answer = Ask(request);
  EXPECT_EQ(answer.code, 504);
  EXPECT_EQ(answer.body, R"({"detail":"not cached, and only-if-cached was asked","status":504})");
}

// Errors that rarely change, of any dialect.
class CachingNegativeTest : public CachingHttpTest {
 protected:
  void ServeErrors() {
    config_.cache.negative_ttl = 30s;
    Reopen();
    Serve([](UpstreamExchange& exchange) {
      const int status = std::stoi(exchange.body.substr(exchange.body.find("status ") + 7));
      exchange.Answer(status, "application/json", R"({"error":{"message":"no"}})");
    });
    config_.providers["openai"].base_url = upstream_->base_url();
    config_.providers["openai"].retry.max_attempts = 1;
    stack_ = MakeStackWorker("openai");
  }
};

TEST_F(CachingNegativeTest, ErrorsThatRarelyChangeAreRememberedForTheirWhile) {
  ServeErrors();
  for (const int status : {400, 404, 413, 422}) {
    const Request request = ChatRequest("status " + std::to_string(status));
    EXPECT_EQ(Ask(request).code, status);
    WaitForStores(static_cast<std::uint64_t>(upstream_->requests()));
    const Answer hit = Ask(request);
    EXPECT_THAT(hit.cache, StartsWith("larder; hit; ttl=30"));
    EXPECT_EQ(hit.code, status);
    EXPECT_EQ(hit.body, R"({"error":{"message":"no"}})");
    // An error has one form: a stream's caller gets it, too.
    const Answer stream = Ask(ChatStreamRequest(false, "status " + std::to_string(status)));
    EXPECT_EQ(stream.code, status);
    EXPECT_EQ(*stream.headers.Find("content-type"), "application/json");
    EXPECT_THAT(stream.cache, StartsWith("larder; hit"));
  }
  EXPECT_EQ(upstream_->requests(), 4);
  clock_.Advance(30s);
  EXPECT_EQ(Ask(ChatRequest("status 404")).cache, "larder; fwd=stale");
  EXPECT_EQ(upstream_->requests(), 5);
}

TEST_F(CachingNegativeTest, OtherErrorsAreNot) {
  ServeErrors();
  int asked = 0;
  for (const int status : {401, 403, 408, 409, 410, 429, 500, 503}) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(Ask(ChatRequest("status " + std::to_string(status))).code, status);
      EXPECT_EQ(upstream_->requests(), ++asked) << status;
    }
  }
}

TEST_F(CachingNegativeTest, LifetimeThatIsAskedForOnlyShortens) {
  ServeErrors();
  Request request = ChatRequest("status 404");
  request.directives.ttl = 1h;
  EXPECT_EQ(Ask(request).code, 404);
  WaitForStores(1);
  EXPECT_EQ(Ask(request).outcome.ttl, Duration(30s));
  request = ChatRequest("please status 404");
  request.directives.ttl = Duration(0);
  EXPECT_EQ(Ask(request).code, 404);
  EXPECT_EQ(Ask(request).code, 404);
  EXPECT_EQ(upstream_->requests(), 3);
}

// Errors of plain HTTP, which says of them what it says of other answers.
class CachingHttpErrorTest : public CachingHttpTest {
 protected:
  void SetUp() override {
    config_.cache.negative_ttl = 30s;
    Reopen();
  }
  bool IsRemembered() {
    const int before = upstream_->requests();
    for (int i = 0; i < 2; ++i) EXPECT_EQ(Ask().code, 404);
    return upstream_->requests() == before + 1;
  }
};

TEST_F(CachingHttpErrorTest, IsRememberedForItsWhile) {
  ServeText("vary: accept\r\n", 404);
  EXPECT_TRUE(IsRemembered());
  EXPECT_EQ(Ask().outcome.ttl, Duration(30s));
}

TEST_F(CachingHttpErrorTest, IsNotRememberedWhereItIsForOneCaller) {
  for (const char* more : {"vary: user-agent\r\n", "set-cookie: a=b\r\n"}) {
    ServeText(more, 404);
    EXPECT_FALSE(IsRemembered()) << more;
  }
}

TEST_F(CachingHttpErrorTest, IsRememberedAsLongAsTheUpstreamAllowsWhereThatCounts) {
  freshness_ = true;
  for (const char* word : {"no-store", "no-cache", "private", "max-age=0"}) {
    ServeText(std::string("cache-control: ") + word + "\r\n", 404);
    EXPECT_FALSE(IsRemembered()) << word;
  }
  ServeText("cache-control: max-age=10\r\n", 404);
  EXPECT_TRUE(IsRemembered());
  EXPECT_LE(*Ask().outcome.ttl, Duration(10s));  // less what the answer took
  clock_.Advance(10s);
  ServeText("cache-control: max-age=600\r\n", 404);
  EXPECT_TRUE(IsRemembered());
  EXPECT_EQ(Ask().outcome.ttl, Duration(30s)) << "no longer than errors are";
}

}  // namespace
}  // namespace larder::client
