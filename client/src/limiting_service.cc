#include "limiting_service.h"

#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string>

#include "handoff.h"

namespace larder::client {
namespace {

using PermitPtr = CallGate::PermitPtr;

// Holds the permit for as long as the answer comes in.
class PermittedBody final : public BodyReader {
 public:
  PermittedBody(std::unique_ptr<BodyReader> inner, PermitPtr permit)
      : permit_(std::move(permit)), inner_(std::move(inner)) {}

  boost::asio::awaitable<Result<SharedBytes>> Read() override {
    Result<SharedBytes> piece = co_await inner_->Read();
    if (!piece.ok() || piece->empty()) permit_.reset();
    co_return piece;
  }

 private:
  PermitPtr permit_;
  const std::unique_ptr<BodyReader> inner_;  // gone before the next call begins
};

Status Overloaded(CallGate& gate, const std::string& what) {
  gate.CountRefusal();
  return {StatusCode::kResourceExhausted,
          "overloaded: " + std::to_string(gate.limit().max_concurrent) +
              " calls to the provider are under way, and " + what};
}

boost::asio::awaitable<Result<PermitPtr>> Enter(boost::asio::io_context& io, CallGate& gate) {
  PermitPtr permit = gate.TryEnter();
  if (permit != nullptr) co_return permit;
  Handoff<PermitPtr> turn(io);
  const std::unique_ptr<CallGate::Place> place = gate.Queue(turn.Giver());
  if (place == nullptr) co_return Overloaded(gate, "the queue for them is full");
  std::optional<PermitPtr> given = co_await turn.Wait(gate.limit().max_wait);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return Status(StatusCode::kCancelled, "the caller gave up");
  if (!given) co_return Overloaded(gate, "the turn of this one did not come in time");
  co_return *std::move(given);
}

}  // namespace

boost::asio::awaitable<Result<Response>> LimitingService::Send(Request request) {
  const std::shared_ptr<HttpService> inner = inner_;  // the service may go while this runs
  const std::shared_ptr<CallGate> gate = gate_;
  Result<PermitPtr> permit = co_await Enter(io_, *gate);
  if (!permit.ok()) co_return permit.status();
  Result<Response> response = co_await inner->Send(std::move(request));
  if (response.ok()) {
    response->body = std::make_unique<PermittedBody>(std::move(response->body), *std::move(permit));
  }
  co_return response;
}

}  // namespace larder::client
