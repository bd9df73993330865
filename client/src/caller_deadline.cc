#include "caller_deadline.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>
#include <variant>

namespace larder::client {
namespace {

using Instant = std::chrono::steady_clock::time_point;

template <typename T>
boost::asio::awaitable<Result<T>> Within(Instant deadline, boost::asio::awaitable<Result<T>> work) {
  using boost::asio::experimental::awaitable_operators::operator||;
  const auto executor = co_await boost::asio::this_coro::executor;
  boost::asio::steady_timer timer(executor, deadline);
  auto first = co_await (std::move(work) || timer.async_wait(boost::asio::use_awaitable));
  if (first.index() == 0) co_return std::get<0>(std::move(first));
  co_return Status(StatusCode::kDeadlineExceeded, "the caller's deadline has passed");
}

class EndingBody final : public BodyReader {
 public:
  EndingBody(Instant deadline, std::unique_ptr<BodyReader> inner)
      : deadline_(deadline), inner_(std::move(inner)) {}

  boost::asio::awaitable<Result<SharedBytes>> Read() override {
    return Within(deadline_, inner_->Read());
  }

 private:
  const Instant deadline_;
  const std::unique_ptr<BodyReader> inner_;
};

}  // namespace

boost::asio::awaitable<Result<Response>> EndBy(Instant deadline,
                                               boost::asio::awaitable<Result<Response>> call) {
  Result<Response> response = co_await Within(deadline, std::move(call));
  if (response.ok() && response->body != nullptr) {
    response->body = std::make_unique<EndingBody>(deadline, std::move(response->body));
  }
  co_return response;
}

}  // namespace larder::client
