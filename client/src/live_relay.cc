#include "live_relay.h"

#include <optional>
#include <string>
#include <utility>

#include "await_stored.h"
#include "handoff.h"

namespace larder::client {
namespace {

using Piece = std::optional<SharedBytes>;

}  // namespace

LiveRelay::LiveRelay(std::shared_ptr<const CachingCore> core,
                     std::shared_ptr<const ResponseFlight> flight, const Endpoint* without_usage)
    : core_(std::move(core)), flight_(std::move(flight)) {
  if (without_usage != nullptr) without_usage_.emplace(*without_usage);
}

boost::asio::awaitable<Result<SharedBytes>> LiveRelay::Read() {
  while (!complete_) {
    Handoff<Piece> handoff(core_->io);
    flight_->OnBody(next_, handoff.Giver());
    const std::optional<Piece> given = co_await handoff.Wait();
    if (!given) co_return Status(StatusCode::kCancelled, "the caller gave up");
    const Piece& piece = *given;
    if (!piece) co_return co_await WhyCut();
    ++next_;
    complete_ = piece->empty();
    if (complete_) co_await AwaitStored(core_, flight_);
    if (!without_usage_) co_return *piece;
    std::string kept = complete_ ? without_usage_->Rest() : without_usage_->Feed(piece->view());
    if (!kept.empty()) co_return SharedBytes(std::move(kept));
  }
  co_return SharedBytes();
}

boost::asio::awaitable<Result<SharedBytes>> LiveRelay::WhyCut() {
  Handoff<FlightOutcome> handoff(core_->io);
  flight_->OnEnd(handoff.Giver());
  const std::optional<FlightOutcome> outcome = co_await handoff.Wait();
  if (!outcome) co_return Status(StatusCode::kCancelled, "the caller gave up");
  // A dropped fetch cannot be taken up anew: a part of it is passed on.
  if (outcome->status.ok() || outcome->status.code() == StatusCode::kCancelled) {
    co_return Status(StatusCode::kUnavailable, "the fetch was given up");
  }
  co_return outcome->status;
}

}  // namespace larder::client
