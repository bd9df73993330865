#include "waiting_stream.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "body_pieces.h"
#include "event_stream.h"
#include "storable_answer.h"

namespace larder::client {
namespace {

constexpr int kFirstError = 400;
constexpr int kBadGateway = 502;
constexpr int kGatewayTimeout = 504;

}  // namespace

WaitingStream::WaitingStream(std::shared_ptr<const CachingCore> core, const Endpoint& endpoint,
                             Handoff<FlightOutcome> end, GiveAnswer give)
    : core_(std::move(core)), endpoint_(endpoint), end_(std::move(end)), give_(std::move(give)) {}

boost::asio::awaitable<Result<SharedBytes>> WaitingStream::Read() {
  if (answer_ != nullptr) co_return co_await answer_->Read();
  std::optional<FlightOutcome> ended = co_await end_.Wait(core_->limits.between_comments);
  if (ended) co_return co_await Begin(*std::move(ended));
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return Status(StatusCode::kCancelled, "the caller gave up");
  co_return SharedBytes(std::string(": waiting\n\n"));
}

boost::asio::awaitable<Result<SharedBytes>> WaitingStream::Begin(FlightOutcome ended) {
  Result<Response> given = co_await give_(std::move(ended));
  give_ = nullptr;  // it holds the caller's request
  answer_ = std::make_unique<BodyPieces>(std::vector<SharedBytes>());
  if (!given.ok()) {
    const Status& status = given.status();
    if (status.code() == StatusCode::kCancelled) co_return status;
    const bool late = status.code() == StatusCode::kDeadlineExceeded;
    co_return ErrorEvent(late ? kGatewayTimeout : kBadGateway, status.message());
  }
  if (given->head.status >= kFirstError) co_return co_await UpstreamError(*given->body);
  if (KindOf(given->head, endpoint_) != AnswerKind::kEvents) {
    co_return ErrorEvent(kBadGateway, "the upstream's answer cannot be given as a stream");
  }
  answer_ = std::move(given->body);
  co_return co_await answer_->Read();
}

// The upstream's own words, if they can stand in an event.
boost::asio::awaitable<Result<SharedBytes>> WaitingStream::UpstreamError(BodyReader& body) {
  Event event;
  event.name = core_->dialect.ErrorEventName();
  while (event.data.size() <= core_->limits.inline_bytes) {
    const Result<SharedBytes> piece = co_await body.Read();
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
