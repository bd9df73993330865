#include "pulled_exchange.h"

#include <utility>

#include "handoff.h"

namespace larder::client {

// However the coroutine ends, nobody is left waiting.
class PulledExchange::Closing {
 public:
  explicit Closing(PulledExchange& exchange) : exchange_(exchange) {}
  ~Closing() { exchange_.Close(Over()); }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  PulledExchange& exchange_;
};

Result<ResponseHead> PulledExchange::Head() { return head_.get_future().get(); }

Result<SharedBytes> PulledExchange::Next() {
  auto asked = std::make_shared<std::promise<Result<SharedBytes>>>();
  std::function<void(bool)> wake;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return Over();
    asked_ = asked;
    wake = std::exchange(wake_, nullptr);
  }
  if (wake) wake(true);
  return asked->get_future().get();
}

void PulledExchange::Close(const Status& status) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (!std::exchange(headed_, true)) head_.set_value(status);
  if (asked_ != nullptr) std::exchange(asked_, nullptr)->set_value(status);
}

// Null: cancelled.
boost::asio::awaitable<PulledExchange::Asked> PulledExchange::WaitForAsk(
    boost::asio::io_context& io) {
  Handoff<bool> handoff(io);
  {
    const std::lock_guard lock(mutex_);
    if (asked_ != nullptr) co_return std::exchange(asked_, nullptr);
    wake_ = handoff.Giver();
  }
  co_await handoff.Wait();
  const std::lock_guard lock(mutex_);
  wake_ = nullptr;
  co_return std::exchange(asked_, nullptr);
}

boost::asio::awaitable<void> PulledExchange::Run(boost::asio::io_context& io, HttpService& service,
                                                 Request request,
                                                 std::shared_ptr<PulledExchange> exchange) {
  const Closing closing(*exchange);
  Result<Response> response = co_await service.Send(std::move(request));
  if (!response.ok()) co_return exchange->Close(response.status());
  {
    const std::lock_guard lock(exchange->mutex_);
    exchange->headed_ = true;
  }
  exchange->head_.set_value(response->head);
  while (true) {
    const Asked asked = co_await exchange->WaitForAsk(io);
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state) && asked != nullptr) asked->set_value(Over());
    if (IsCancelled(state) || asked == nullptr) co_return;
    Result<SharedBytes> piece = co_await response->body->Read();
    const bool over = !piece.ok() || piece->empty();
    asked->set_value(std::move(piece));
    if (over) co_return;
  }
}

}  // namespace larder::client
