// RetryingService: the decorator that tries again where that is worth it (retry_rule.h), within
// the provider's budget, behind its circuit breaker, and never beyond the call's deadline.
//
// It hands an answer on as soon as its head is there, so that nothing is tried again once a byte
// of it went to a caller; only the bodies of errors that are worth a retry are read first.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "larder/client/asio/http_service.h"
#include "larder/client/config.h"
#include "larder/clock.h"
#include "provider_health.h"

namespace larder::client {

// Where retries take their time and their chance from. Used on one io_context.
class RetryTiming {
 public:
  using Time = std::chrono::steady_clock::time_point;
  virtual ~RetryTiming() = default;
  virtual Time Now() = 0;
  virtual TimePoint Wall() = 0;
  // From [0, 1).
  virtual double Random() = 0;
  // Completes after `delay`, or at once when the coroutine is cancelled, which its caller asks.
  virtual boost::asio::awaitable<void> Sleep(Duration delay) = 0;
};

// The system's clocks and the io_context's timers.
std::unique_ptr<RetryTiming> MakeRetryTiming(boost::asio::io_context& io);

struct RetryingParts {
  std::shared_ptr<HttpService> inner;
  std::shared_ptr<RetryTiming> timing;
  std::shared_ptr<ProviderHealth> health;
  RetryConfig retry;
  Duration total;  // Timeouts::total
  // Nothing is known of what its requests do (dialect "http"), so one that may do harm when it is
  // done twice is not repeated after an error. LLMs' answer and no more: their SDKs repeat all.
  bool any_api = false;
};

class RetryingService final : public HttpService {
 public:
  explicit RetryingService(RetryingParts parts)
      : parts_(std::make_shared<const RetryingParts>(std::move(parts))) {}

  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  const std::shared_ptr<const RetryingParts> parts_;
};

}  // namespace larder::client
