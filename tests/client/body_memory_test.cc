// What looking at a body costs in memory, whatever is in it: a caller chooses its bytes.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "body_pieces.h"
#include "caching_core.h"
#include "caching_service.h"
#include "dialect.h"
#include "embeddings.h"
#include "larder/client/asio/decorators.h"
#include "larder/client/policy.h"
#include "run_coroutine.h"

namespace {

// Of this thread.
thread_local std::size_t live_bytes = 0;
thread_local std::size_t most_bytes = 0;

void* Allocate(std::size_t size) {
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  live_bytes += malloc_usable_size(memory);
  most_bytes = std::max(most_bytes, live_bytes);
  return memory;
}

void Free(void* memory) {
  live_bytes -= std::min(live_bytes, malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

// Of the whole program.
void* operator new(std::size_t size) { return Allocate(size); }
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { Free(memory); }

namespace larder::client {
namespace {

using larder::testing::RunCoroutine;

// What `work` had at its height beyond what was there before.
template <typename Work>
std::size_t MostBytesOf(const Work& work) {
  const std::size_t before = most_bytes = live_bytes;
  work();
  return most_bytes - before;
}

constexpr std::size_t kBodyBytes = std::size_t{4} << 20;

std::string Repeated(std::string_view what, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + what.size());
  while (text.size() < bytes) text += what;
  return text;
}

// A tree of such bodies takes tens of times their bytes.
TEST(BodyMemoryTest, ARuleOnAFieldMakesNoTreeOfTheBodyWhateverItIs) {
  PolicyRule rule;
  rule.match.field["team"] = {FieldPattern(std::string("blue"))};
  rule.tags = {"user:{field.user.id}"};
  const Policy policy({rule});
  const std::string many = "[" + Repeated("[],", kBodyBytes) + "[]]";
  const std::string names = "{" + Repeated("\"team\":\"blue\",", kBodyBytes) + "\"team\":\"blue\"}";
  for (const std::string& body :
       {std::string(kBodyBytes, '['), many, names, Repeated("{\"team\":", kBodyBytes),
        "{\"all\":" + many + ",\"team\":\"blue\",\"user\":{\"id\":7}}"}) {
    const Headers headers;
    PolicyDecision decision;
    const std::size_t most = MostBytesOf([&] {
      decision = policy.Decide(
          {.provider = "p", .path = "/", .model = "", .headers = headers, .body = body});
    });
    EXPECT_LT(most, 5 * kBodyBytes) << body.substr(0, 20);
    EXPECT_EQ(decision.rule.has_value(), body.ends_with('}')) << body.substr(0, 20);
  }
}

// Keeps what it is asked, and answers with the status it is told.
class KeepingService final : public HttpService {
 public:
  explicit KeepingService(int status) : status_(status) {}
  boost::asio::awaitable<Result<Response>> Send(Request request) override {
    body_ = std::move(request.body);
    Response response;
    response.head.status = status_;
    response.body = std::make_unique<BodyPieces>(std::vector<SharedBytes>{});
    co_return response;
  }

  const int status_;
  std::string body_;
};

boost::asio::awaitable<int> StatusOf(HttpService& service, Request request) {
  Result<Response> response = co_await service.Send(std::move(request));
  co_return response.ok() ? response->head.status : 0;
}

TEST(BodyMemoryTest, AnotherNameForTheModelTakesCopiesOfTheBodyButNoTree) {
  ClientConfig config;
  config.providers["p"].dialect = "http";
  PolicyRule rule;
  rule.match.field["model"] = {FieldPattern(std::string("here"))};
  rule.cache_stateful = true;
  config.policy = Policy({rule});
  const auto own = std::make_shared<KeepingService>(500);
  const auto other = std::make_shared<KeepingService>(200);
  const auto service = MakeFallback(config, "p", own, {{other, {{"here", "there"}}}});
  ASSERT_TRUE(service.ok());
  const std::string values = "[" + Repeated("[],", kBodyBytes) + "1.50]";
  Request request;
  request.target = "/ask";
  request.body = "{ \"all\": " + values + ", \"model\" : \"here\" }";

  boost::asio::io_context io;
  int status = 0;
  const std::size_t most =
      MostBytesOf([&] { status = RunCoroutine(io, StatusOf(**service, std::move(request))); });

  EXPECT_EQ(status, 200);
  EXPECT_TRUE(other->body_ == "{ \"all\": " + values + ", \"model\" : \"there\" }")
      << "all else stays as it was";
  EXPECT_LT(most, 8 * kBodyBytes);
}

Request ChatRequest(std::string body) {
  Request request;
  request.target = "/v1/chat/completions";
  request.body = std::move(body);
  return request;
}

// There is none.
std::shared_ptr<const CachingCore> PastTheCache(boost::asio::io_context& io,
                                                boost::asio::thread_pool& pool,
                                                std::shared_ptr<HttpService> upstream) {
  return std::make_shared<const CachingCore>(CachingCore{.io = io,
                                                         .pool = pool,
                                                         .store = nullptr,
                                                         .upstream = std::move(upstream),
                                                         .cache = nullptr,
                                                         .dialect = *FindDialect("openai"),
                                                         .provider = {},
                                                         .prices = {},
                                                         .limits = {}});
}

// A provider whose answer is an event stream of that many pieces.
class StreamingService final : public HttpService {
 public:
  boost::asio::awaitable<Result<Response>> Send(Request) override {
    Response response;
    response.head.status = 200;
    response.head.headers.Set("content-type", "text/event-stream");
    response.body = std::make_unique<Pieces>();
    co_return response;
  }

  static constexpr int kPieces = 1024;

 private:
  class Pieces final : public BodyReader {
   public:
    boost::asio::awaitable<Result<SharedBytes>> Read() override {
      if (given_++ == kPieces) co_return SharedBytes();
      co_return SharedBytes("data: " + std::string(16'000, 'x') + "\n\n");
    }

   private:
    int given_ = 0;
  };
};

boost::asio::awaitable<int> ReadToItsEnd(HttpService& service, Request request) {
  Result<Response> response = co_await service.Send(std::move(request));
  int pieces = 0;
  while (response.ok()) {
    const Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok() || piece->empty()) break;
    ++pieces;
  }
  co_return pieces;
}

TEST(BodyMemoryTest, AStreamThatPassesByTheCacheIsNotKept) {
  boost::asio::io_context io;
  boost::asio::thread_pool pool(1);
  CachingService caching(PastTheCache(io, pool, std::make_shared<StreamingService>()));
  int pieces = 0;
  const std::size_t most =
      MostBytesOf([&] { pieces = RunCoroutine(io, ReadToItsEnd(caching, ChatRequest("{}"))); });
  EXPECT_EQ(pieces, StreamingService::kPieces);
  EXPECT_LT(most, std::size_t{256} << 10);
}

TEST(BodyMemoryTest, WhatStandsInThePlaceOfTheModelsNameTakesNoTreeWhateverItIs) {
  const auto other = std::make_shared<KeepingService>(200);
  ClientConfig config;
  config.providers["p"].dialect = "http";
  PolicyRule rule;
  rule.cache_stateful = true;
  config.policy = Policy({rule});
  boost::asio::io_context io;
  boost::asio::thread_pool pool(1);
  const auto fallback = MakeFallback(config, "p", std::make_shared<KeepingService>(500),
                                     {{other, {{"here", "there"}}}});
  ASSERT_TRUE(fallback.ok());
  CachingService caching(PastTheCache(io, pool, other));
  for (HttpService* service : {static_cast<HttpService*>(&caching), fallback->get()}) {
    Request request = ChatRequest("{\"model\":" + std::string(kBodyBytes, '['));
    int status = 0;
    const std::size_t most =
        MostBytesOf([&] { status = RunCoroutine(io, StatusOf(*service, std::move(request))); });
    EXPECT_EQ(status, 200);
    EXPECT_LT(most, 8 * kBodyBytes);
  }
}

// A tree of such answers takes thirty times their bytes.
TEST(BodyMemoryTest, AnAnswerOfMoreValuesThanAnyHasIsNotReadIntoATree) {
  const std::string body = "{\"x\":[" + Repeated("{},", kBodyBytes) + "{}]}";
  const std::vector<Event> events(32, {"", "{\"x\":[" + Repeated("{},", kBodyBytes / 32) + "{}]}"});
  for (const char* name :
       {"openai.chat", "openai.completions", "openai.responses", "anthropic.messages"}) {
    const Endpoint& endpoint = *FindEndpoint(name);
    Verdict verdict;
    std::size_t most = MostBytesOf([&] { verdict = endpoint.JudgeJson({}, {}, body); });
    EXPECT_EQ(verdict.reason, "too_complex") << name;
    EXPECT_LT(most, kBodyBytes) << name;
    most = MostBytesOf([&] { verdict = endpoint.JudgeStream({}, {}, events); });
    EXPECT_EQ(verdict.reason, "too_complex") << name;
    EXPECT_LT(most, 8 * kBodyBytes) << name;
  }
}

TEST(BodyMemoryTest, NoPartOfAnAnswerToABatchIsReadIntoATreeWhateverItIs) {
  const RequestPlan plan = FindEndpoint("openai.embeddings")->Plan("{\"input\":\"a\"}");
  const std::string data = "\"data\":[{\"embedding\":[1]}]";
  const std::string many = "[" + Repeated("{},", kBodyBytes) + "{}]";
  const std::string deep =
      Repeated("{\"a\":", kBodyBytes) + "0" + std::string(kBodyBytes / 5 + 1, '}');
  for (const std::string& answer :
       {"{\"data\":" + many + "}", "{" + Repeated("\"\":0,", kBodyBytes) + data + "}",
        "{\"data\":[{" + Repeated("\"\":0,", kBodyBytes) + "\"embedding\":[1]}]}",
        "{\"usage\":" + many + "," + data + "}", "{\"usage\":" + deep + "," + data + "}",
        "{\"model\":" + many + ",\"data\":[]}",
        "{\"data\":[{\"embedding\":[1],\"index\":" + many + "}]}"}) {
    Verdict verdict;
    const std::size_t most = MostBytesOf(
        [&] { verdict = FindEndpoint("openai.embeddings")->JudgeJson(plan, {}, answer); });
    EXPECT_FALSE(verdict.store) << answer.substr(0, 20);
    EXPECT_LT(most, 4 * kBodyBytes) << answer.substr(0, 20);
  }
}

// With each item all that is beside the data would be stored.
TEST(BodyMemoryTest, AnAnswerToABatchIsNotTakenApartIntoMoreThanManyTimesItself) {
  constexpr std::size_t kItems = 1000;
  const std::vector<std::string_view> items(kItems, "\"a\"");
  const auto split = [&](std::size_t bytes) {
    return SplitBatchAnswer("{\"new\":\"" + std::string(bytes, 'x') + "\",\"data\":[" +
                                Repeated("{\"embedding\":[1]},", 18 * (kItems - 1)) +
                                "{\"embedding\":[1]}]}",
                            items);
  };
  BatchAnswer answer;
  const std::size_t most = MostBytesOf([&] { answer = split(kBodyBytes); });
  EXPECT_EQ(answer.problem, "too_large");
  EXPECT_LT(most, 8 * kBodyBytes);
  answer = split(std::size_t{1} << 10);
  EXPECT_EQ(answer.problem, "");
  EXPECT_EQ(answer.items.size(), kItems);
}

}  // namespace
}  // namespace larder::client
