#include "retrying_service.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "curl_request.h"
#include "gunzip.h"
#include "handoff.h"
#include "partial_body.h"
#include "retry_after.h"
#include "retry_rule.h"

namespace larder::client {
namespace {

using Time = RetryTiming::Time;

// An error's body is read that far before a retry: to know it, and to keep its connection.
constexpr std::size_t kMaxErrorBytes = std::size_t{64} << 10;

class SystemTiming final : public RetryTiming {
 public:
  explicit SystemTiming(boost::asio::io_context& io) : io_(io), random_(std::random_device{}()) {}

  Time Now() override { return std::chrono::steady_clock::now(); }
  TimePoint Wall() override { return Clock::System().Wall(); }
  double Random() override { return std::uniform_real_distribution<double>(0, 1)(random_); }
  boost::asio::awaitable<void> Sleep(Duration delay) override {
    boost::asio::steady_timer timer(io_, delay);
    const auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
    co_await timer.async_wait(token);
  }

 private:
  boost::asio::io_context& io_;
  std::minstd_rand random_;
};

// What was read of an error, also where the caller takes gzip.
std::string Plain(const PartialBody& body) {
  return Gunzip(body.text(), kMaxErrorBytes).value_or(body.text());
}

// One call: its attempts, one after the other.
class Call {
 public:
  Call(std::shared_ptr<const RetryingParts> parts, Request request)
      : parts_(std::move(parts)),
        health_(*parts_->health),
        timing_(*parts_->timing),
        request_(std::move(request)) {
    constexpr Duration kLong = std::chrono::hours(24 * 365);
    const Time end = timing_.Now() + std::min(parts_->total, kLong);
    request_.deadline = std::min(request_.deadline.value_or(end), end);
    most_ = AnnouncesRetries(request_.headers) ? 1 : parts_->retry.max_attempts;
  }

  boost::asio::awaitable<Result<Response>> Run() {
    ++health_.counters->calls;
    health_.budget.Deposit();
    std::optional<CircuitBreaker::Permit> permit = health_.breaker.Admit(timing_.Now());
    if (!permit) {
      ++health_.counters->circuit_refusals;
      co_return Status(
          StatusCode::kUnavailable,
          "not asked: the provider failed too often in a row, and is asked again soon");
    }
    for (int attempt = 1;; ++attempt) {
      Result<Response> result = co_await Attempt(attempt == most_);
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(state)) co_return Status(StatusCode::kCancelled, "the caller gave up");
      Judge(*permit, result);
      permit.reset();
      if (attempt == most_) co_return result;
      const std::optional<Duration> delay = co_await DelayAfter(result, attempt);
      const auto after = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(after)) co_return Status(StatusCode::kCancelled, "the caller gave up");
      if (!delay) co_return result;
      // Asked before the wait, so that nobody waits for an attempt that will not be made.
      permit = health_.breaker.Admit(timing_.Now());
      if (!permit || !MayRetry()) co_return result;
      co_await timing_.Sleep(*delay);
      const auto slept = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(slept)) co_return Status(StatusCode::kCancelled, "the caller gave up");
    }
  }

 private:
  boost::asio::awaitable<Result<Response>> Attempt(bool last) {
    ++health_.counters->attempts;
    went_out_ = std::make_shared<std::atomic<bool>>(false);
    request_.went_out = went_out_;
    Request request = last ? std::move(request_) : request_;
    const Time begin = timing_.Now();
    Result<Response> response = co_await parts_->inner->Send(std::move(request));
    if (response.ok()) {
      health_.counters->first_byte.Add(timing_.Now() - begin);
    } else {
      ++health_.counters->failed_attempts;
    }
    co_return response;
  }

  void Judge(CircuitBreaker::Permit& permit, const Result<Response>& result) {
    constexpr int kServerError = 500;
    const StatusCode code = result.status().code();
    // 429 and its like concern one caller; the circuit is everybody's.
    if (result.ok() && result->head.status < kServerError) permit.Succeeded(timing_.Now());
    if (result.ok() && result->head.status >= kServerError) permit.Failed(timing_.Now());
    if (code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded) {
      permit.Failed(timing_.Now());
    }
  }

  // What is to be waited before the next attempt; nullopt: this was the last.
  boost::asio::awaitable<std::optional<Duration>> DelayAfter(Result<Response>& result,
                                                             int attempt) {
    const Duration backoff = Backoff(parts_->retry, attempt - 1, timing_.Random());
    Duration delay = backoff;
    if (!result.ok()) {
      if (!IsWorthRepeating(result.status())) co_return std::nullopt;
    } else {
      const bool may_harm = parts_->any_api && !MayRepeat(request_);
      if (!IsWorthRetrying(result->head, may_harm)) co_return std::nullopt;
      const bool final = co_await IsFinal(*result);
      if (final) co_return std::nullopt;
      delay = RetryAfter(result->head.headers, timing_.Wall()).value_or(backoff);
      // The caller is told, and decides for itself whether to wait that long.
      if (delay > parts_->retry.max_delay) co_return std::nullopt;
    }
    if (timing_.Now() + delay >= *request_.deadline) co_return std::nullopt;
    co_return delay;
  }

  // Another attempt does no harm if the request never went out, or may be repeated.
  bool IsWorthRepeating(const Status& status) const {
    const bool trouble =
        status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded;
    return trouble && (!*went_out_ || MayRepeat(request_));
  }

  // Reads the error, so that it can be judged, and handed on all the same.
  boost::asio::awaitable<bool> IsFinal(Response& response) {
    auto body = std::make_unique<PartialBody>(std::move(response.body));
    co_await body->ReadAhead(kMaxErrorBytes);
    constexpr int kTooManyRequests = 429;
    const bool final = response.head.status == kTooManyRequests && IsOutOfQuota(Plain(*body));
    response.body = std::move(body);
    co_return final;
  }

  bool MayRetry() {
    if (!health_.budget.Withdraw(timing_.Now())) {
      ++health_.counters->budget_refusals;
      return false;
    }
    ++health_.counters->retries;
    return true;
  }

  const std::shared_ptr<const RetryingParts> parts_;
  ProviderHealth& health_;
  RetryTiming& timing_;
  Request request_;
  std::shared_ptr<std::atomic<bool>> went_out_;
  int most_ = 1;
};

}  // namespace

std::unique_ptr<RetryTiming> MakeRetryTiming(boost::asio::io_context& io) {
  return std::make_unique<SystemTiming>(io);
}

boost::asio::awaitable<Result<Response>> RetryingService::Send(Request request) {
  Call call(parts_, std::move(request));
  co_return co_await call.Run();
}

}  // namespace larder::client
