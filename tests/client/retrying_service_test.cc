#include "retrying_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <deque>
#include <string>
#include <vector>

#include "body_pieces.h"
#include "larder/client/health_board.h"
#include "run_coroutine.h"

namespace larder::client {
namespace {

using larder::testing::RunCoroutine;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// What the upstream does with one attempt.
struct Step {
  Status status = {};  // not ok: no answer
  bool went_out = true;
  int code = 200;
  Headers headers = {};
  std::string body = "ok";
  Duration takes{0};
};

// Time passes only in Sleep() and in the upstream.
class FakeTiming final : public RetryTiming {
 public:
  Time Now() override { return now_; }
  TimePoint Wall() override { return TimePoint(std::chrono::seconds(1'767'225'600)); }
  double Random() override { return 0; }
  boost::asio::awaitable<void> Sleep(Duration delay) override {
    slept_.push_back(delay);
    now_ += delay;
    co_return;
  }

  Time now_{std::chrono::hours(1)};
  std::vector<Duration> slept_;
};

class ScriptedUpstream final : public HttpService {
 public:
  explicit ScriptedUpstream(FakeTiming& timing) : timing_(timing) {}
  boost::asio::awaitable<Result<Response>> Send(Request request) override {
    requests_.push_back(request);
    if (steps_.empty()) throw std::logic_error("an attempt too many");
    const Step step = steps_.front();
    steps_.pop_front();
    timing_.now_ += step.takes;
    if (request.went_out != nullptr) *request.went_out = step.went_out;
    if (!step.status.ok()) co_return step.status;
    Response response;
    response.head.status = step.code;
    response.head.headers = step.headers;
    std::vector<SharedBytes> pieces;
    for (const char c : step.body) pieces.emplace_back(std::string(1, c));
    response.body = std::make_unique<BodyPieces>(std::move(pieces));
    co_return response;
  }

  std::deque<Step> steps_;
  std::vector<Request> requests_;

 private:
  FakeTiming& timing_;
};

const Status kNoConnection(StatusCode::kUnavailable, "no connection");

class RetryingServiceTest : public ::testing::Test {
 protected:
  // "503 body" or the code of the error.
  std::string Send(std::deque<Step> steps, Request request = Repeatable()) {
    upstream_->steps_ = std::move(steps);
    upstream_->requests_.clear();
    timing_->slept_.clear();
    provider_.name = "p";
    RetryingService service({.inner = upstream_,
                             .timing = timing_,
                             .health = board_.Of(provider_),
                             .retry = provider_.retry,
                             .total = provider_.timeouts.total,
                             .any_api = any_api_});
    std::string text = RunCoroutine(io_, Ask(service, std::move(request)));
    EXPECT_THAT(upstream_->steps_, ::testing::SizeIs(0)) << "attempts that were not made";
    return text;
  }
  static boost::asio::awaitable<std::string> Ask(HttpService& service, Request request) {
    Result<Response> response = co_await service.Send(std::move(request));
    if (!response.ok()) co_return response.status().message();
    std::string text = std::to_string(response->head.status) + " ";
    while (true) {
      Result<SharedBytes> piece = co_await response->body->Read();
      if (!piece.ok()) co_return text + "(cut)";
      if (piece->empty()) co_return text;
      text += piece->view();
    }
  }
  static Request Repeatable() {
    Request request;
    request.body = "{}";
    request.repeatable = true;
    return request;
  }

  bool any_api_ = false;
  boost::asio::io_context io_;
  ProviderConfig provider_;
  HealthBoard board_;
  std::shared_ptr<FakeTiming> timing_ = std::make_shared<FakeTiming>();
  std::shared_ptr<ScriptedUpstream> upstream_ = std::make_shared<ScriptedUpstream>(*timing_);
};

TEST_F(RetryingServiceTest, TriesThreeTimesWithGrowingDelaysAndHandsTheLastErrorOn) {
  EXPECT_EQ(
      Send({{.code = 500, .body = "a"}, {.code = 502, .body = "b"}, {.code = 503, .body = "c"}}),
      "503 c");
  EXPECT_THAT(timing_->slept_, ElementsAre(500ms, 1s));
  EXPECT_EQ(upstream_->requests_[2].body, "{}");
}

TEST_F(RetryingServiceTest, EndsWithTheFirstAnswerThatIsOne) {
  EXPECT_EQ(Send({{.code = 429, .body = "busy"}, {.code = 200, .body = "yes"}}), "200 yes");
  EXPECT_EQ(Send({{.code = 404, .body = "no"}}), "404 no");
  EXPECT_EQ(Send({{.status = kNoConnection}, {.body = "yes"}}), "200 yes");
}

TEST_F(RetryingServiceTest, WaitsAsLongAsTheAnswerAsks) {
  EXPECT_EQ(Send({{.code = 429, .headers = {{"retry-after-ms", "30"}}},
                  {.code = 429, .headers = {{"retry-after", "3"}}},
                  {.body = "yes"}}),
            "200 yes");
  EXPECT_THAT(timing_->slept_, ElementsAre(30ms, 3s));
  EXPECT_EQ(Send({{.code = 503, .headers = {{"retry-after", "Thu, 01 Jan 2026 00:00:05 GMT"}}},
                  {.code = 503, .headers = {{"retry-after", "-4"}}},
                  {.body = "yes"}}),
            "200 yes");
  EXPECT_THAT(timing_->slept_, ElementsAre(5s, 1s));
}

TEST_F(RetryingServiceTest, LongerWaitThanMaxDelayIsHandedOn) {
  EXPECT_EQ(Send({{.code = 429, .headers = {{"retry-after", "9"}}, .body = "later"}}), "429 later");
  EXPECT_THAT(timing_->slept_, IsEmpty());
}

TEST_F(RetryingServiceTest, ShouldRetryHeaderDecides) {
  EXPECT_EQ(Send({{.code = 500, .headers = {{"x-should-retry", "false"}}}}), "500 ok");
  EXPECT_EQ(Send({{.code = 400, .headers = {{"x-should-retry", "true"}}}, {.body = "yes"}}),
            "200 yes");
}

TEST_F(RetryingServiceTest, EmptyAccountIsNotAskedAgain) {
  const std::string body = R"({"error":{"code":"insufficient_quota"}})";
  EXPECT_EQ(Send({{.code = 429, .headers = {{"x-should-retry", "true"}}, .body = body}}),
            "429 " + body);
}

TEST_F(RetryingServiceTest, NorIsOneThatSaysSoInGzip) {
  // {"error":{"code":"insufficient_quota"}}
  const std::string zipped(
      "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x4a\x2d\x2a\xca"
      "\x2f\x52\xb2\xaa\x56\x4a\xce\x4f\x49\x55\xb2\x52\xca\xcc\x2b\x2e"
      "\x4d\x4b\xcb\x4c\xce\x4c\xcd\x2b\x89\x2f\x2c\xcd\x2f\x49\x54\xaa"
      "\xad\x05\x00\x05\x22\x04\x06\x27\x00\x00\x00",
      59);
  EXPECT_EQ(Send({{.code = 429, .headers = {{"content-encoding", "gzip"}}, .body = zipped}}),
            "429 " + zipped);
}

TEST_F(RetryingServiceTest, LongErrorIsHandedOnWhole) {
  provider_.retry.max_attempts = 2;
  const std::string body(70'000, 'x');
  EXPECT_EQ(Send({{.code = 500, .headers = {{"retry-after", "60"}}, .body = body}}), "500 " + body);
}

TEST_F(RetryingServiceTest, CallerThatRetriesByItselfGetsOneAttempt) {
  Request request = Repeatable();
  request.headers = {{"X-Stainless-Retry-Count", "0"}};
  EXPECT_EQ(Send({{.code = 500}}, request), "500 ok");
  EXPECT_EQ(Send({{.status = kNoConnection}}, request), "no connection");
}

TEST_F(RetryingServiceTest, WhatMayHaveBeenReadIsRepeatedOnlyIfItDoesNoHarm) {
  Request once;
  EXPECT_EQ(Send({{.status = kNoConnection, .went_out = true}}, once), "no connection");
  EXPECT_EQ(Send({{.status = kNoConnection, .went_out = false}, {.body = "yes"}}, once), "200 yes");
  once.headers = {{"idempotency-key", "1"}};
  EXPECT_EQ(Send({{.status = kNoConnection, .went_out = true}, {.body = "yes"}}, once), "200 yes");
  EXPECT_EQ(Send({{.status = kNoConnection, .went_out = true}, {.body = "yes"}}), "200 yes");
}

TEST_F(RetryingServiceTest, OfAnyApiErrorsAreRepeatedOnlyIfItDoesNoHarm) {
  any_api_ = true;
  Request order;
  order.method = "POST";
  EXPECT_EQ(Send({{.code = 500}}, order), "500 ok");
  EXPECT_EQ(Send({{.code = 503}}, order), "503 ok");
  EXPECT_EQ(Send({{.code = 429}, {.body = "yes"}}, order), "200 yes");
  EXPECT_EQ(Send({{.code = 500, .headers = {{"x-should-retry", "true"}}}, {.body = "yes"}}, order),
            "200 yes");
  EXPECT_EQ(Send({{.status = kNoConnection, .went_out = false}, {.body = "yes"}}, order),
            "200 yes");
  EXPECT_EQ(Send({{.code = 500}, {.body = "yes"}}), "200 yes") << "the cache knows that it may";
  order.headers = {{"idempotency-key", "1"}};
  EXPECT_EQ(Send({{.code = 500}, {.body = "yes"}}, order), "200 yes");
  Request read;
  read.method = "GET";
  EXPECT_EQ(Send({{.code = 500}, {.body = "yes"}}, read), "200 yes");
}

TEST_F(RetryingServiceTest, WhatCannotBeSentIsNotTriedAgain) {
  EXPECT_EQ(Send({{.status = {StatusCode::kInvalidArgument, "no request"}}}), "no request");
}

TEST_F(RetryingServiceTest, NoAttemptBeginsBeyondTheDeadline) {
  provider_.timeouts.total = 2s;
  EXPECT_EQ(Send({{.code = 500, .takes = 1400ms}, {.code = 500, .body = "late", .takes = 50ms}}),
            "500 late");  // 1.4 s, 0.5 s of waiting, 50 ms; another second would be too long
  EXPECT_EQ(upstream_->requests_[0].deadline, upstream_->requests_[1].deadline);
}

TEST_F(RetryingServiceTest, DeadlineOfTheCallersOwnCounts) {
  Request request = Repeatable();
  request.deadline = timing_->now_ + 100ms;
  EXPECT_EQ(Send({{.code = 500}}, request), "500 ok");
  EXPECT_EQ(upstream_->requests_[0].deadline, request.deadline);
}

TEST_F(RetryingServiceTest, RetriesStayWithinTheBudget) {
  provider_.retry.budget_per_second = 0;
  provider_.retry.budget_ratio = 0.02;  // two to begin with
  EXPECT_EQ(Send({{.code = 500}, {.code = 500}, {.code = 500}}), "500 ok");
  EXPECT_EQ(Send({{.code = 500}}), "500 ok");
  const ProviderStats stats = board_.Snapshot().at("p");
  EXPECT_EQ(stats.calls, 2U);
  EXPECT_EQ(stats.attempts, 4U);
  EXPECT_EQ(stats.retries, 2U);
  EXPECT_EQ(stats.budget_refusals, 1U);
}

TEST_F(RetryingServiceTest, OpenCircuitAsksNobodyUntilAProbeSucceeds) {
  provider_.breaker = {.failures = 4, .open_for = 10s};
  EXPECT_EQ(Send({{.code = 500}, {.code = 500}, {.code = 500}}), "500 ok");
  EXPECT_EQ(Send({{.status = kNoConnection}}), "no connection");  // the fourth in a row
  EXPECT_THAT(timing_->slept_, IsEmpty());
  EXPECT_THAT(Send({}), ::testing::HasSubstr("failed too often"));
  timing_->now_ += 10s;
  EXPECT_EQ(Send({{.body = "back"}}), "200 back");
  EXPECT_EQ(Send({{.body = "again"}}), "200 again");
  const ProviderStats stats = board_.Snapshot().at("p");
  EXPECT_EQ(stats.circuit_openings, 1U);
  EXPECT_EQ(stats.circuit_refusals, 1U);
  EXPECT_EQ(stats.circuit, CircuitState::kClosed);
}

TEST_F(RetryingServiceTest, ErrorsOfOneCallerDoNotOpenTheCircuit) {
  provider_.breaker = {.failures = 1, .open_for = 10s};
  for (const int code : {400, 401, 404, 429}) {
    EXPECT_EQ(Send({{.code = code, .headers = {{"x-should-retry", "false"}}}}),
              std::to_string(code) + " ok");
  }
  EXPECT_EQ(board_.Snapshot().at("p").circuit, CircuitState::kClosed);
}

TEST_F(RetryingServiceTest, ChangedSettingsCloseTheCircuitAndKeepTheCounts) {
  provider_.retry.max_attempts = 1;
  provider_.breaker = {.failures = 1, .open_for = 10s};
  Send({{.code = 500}});
  EXPECT_EQ(board_.Snapshot().at("p").circuit, CircuitState::kOpen);
  provider_.breaker.failures = 2;
  EXPECT_EQ(Send({{.body = "yes"}}), "200 yes");
  EXPECT_EQ(board_.Snapshot().at("p").calls, 2U);
}

TEST_F(RetryingServiceTest, CancellingEndsTheWaitAtOnce) {
  auto timing = std::shared_ptr<RetryTiming>(MakeRetryTiming(io_));
  provider_.retry.base_delay = std::chrono::minutes(1);
  provider_.retry.max_delay = std::chrono::minutes(1);
  upstream_->steps_ = {{.code = 500}};
  RetryingService service({.inner = upstream_,
                           .timing = timing,
                           .health = board_.Of(provider_),
                           .retry = provider_.retry,
                           .total = provider_.timeouts.total});
  boost::asio::cancellation_signal cancel;
  std::string text;
  const auto keep = [&](const std::exception_ptr&, const std::string& answer) { text = answer; };
  boost::asio::co_spawn(io_, Ask(service, Repeatable()),
                        boost::asio::bind_cancellation_slot(cancel.slot(), keep));
  io_.poll();
  ASSERT_EQ(text, "");
  cancel.emit(boost::asio::cancellation_type::terminal);
  io_.run();  // returns, so nothing is left under way
  EXPECT_EQ(text, "the caller gave up");
}

}  // namespace
}  // namespace larder::client
