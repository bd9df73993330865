#include "waiting_stream.h"

#include <optional>
#include <string>
#include <utility>

#include "body_pieces.h"
#include "event_stream.h"
#include "hit_replay.h"
#include "live_relay.h"

namespace larder::client {
namespace {

constexpr int kBadGateway = 502;
constexpr int kGatewayTimeout = 504;

}  // namespace

WaitingStream::WaitingStream(std::shared_ptr<const CachingCore> core,
                             std::shared_ptr<const ResponseFlight> flight,
                             Handoff<FlightOutcome> end, WantedForm wanted)
    : core_(std::move(core)), flight_(std::move(flight)), end_(std::move(end)), wanted_(wanted) {}

boost::asio::awaitable<Result<SharedBytes>> WaitingStream::Read() {
  if (answer_ != nullptr) co_return co_await answer_->Read();
  std::optional<FlightOutcome> outcome = co_await end_.Wait(core_->limits.between_comments);
  if (outcome) co_return co_await Answer(*std::move(outcome));
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return Status(StatusCode::kCancelled, "the caller gave up");
  co_return SharedBytes(std::string(": waiting\n\n"));
}

boost::asio::awaitable<Result<SharedBytes>> WaitingStream::Answer(FlightOutcome outcome) {
  answer_ = std::make_unique<BodyPieces>(std::vector<SharedBytes>());
  if (!outcome.status.ok()) {
    const bool late = outcome.status.code() == StatusCode::kDeadlineExceeded;
    co_return ErrorEvent(late ? kGatewayTimeout : kBadGateway, outcome.status.message());
  }
  if (!outcome.response) co_return co_await UpstreamError();
  CacheOutcome unused;
  Result<Response> replay =
      co_await Replay(core_, *std::move(outcome.response), wanted_, std::move(unused));
  if (!replay.ok()) {
    if (replay.status().code() == StatusCode::kCancelled) co_return replay.status();
    co_return ErrorEvent(kBadGateway, "the upstream's answer cannot be given as a stream");
  }
  answer_ = std::move(replay->body);
  co_return co_await answer_->Read();
}

// The upstream's own words, if they can stand in an event.
boost::asio::awaitable<Result<SharedBytes>> WaitingStream::UpstreamError() {
  LiveRelay relay(core_, flight_, /*without_usage=*/nullptr);
  Event event;
  event.name = core_->dialect.ErrorEventName();
  while (event.data.size() <= core_->limits.inline_bytes) {
    const Result<SharedBytes> piece = co_await relay.Read();
    if (!piece.ok()) co_return piece.status();
    if (piece->empty()) break;
    event.data += piece->view();
  }
  if (!event.data.starts_with('{') || event.data.size() > core_->limits.inline_bytes) {
    co_return ErrorEvent(kBadGateway, "the upstream's answer cannot be given as a stream");
  }
  std::string text;
  WriteEvent(event, text);
  co_return SharedBytes(std::move(text));
}

SharedBytes WaitingStream::ErrorEvent(int status, std::string_view message) const {
  Event event;
  event.name = core_->dialect.ErrorEventName();
  event.data = core_->dialect.ErrorBody(status, message);
  std::string text;
  WriteEvent(event, text);
  return SharedBytes(std::move(text));
}

}  // namespace larder::client
