#include "metered_responder.h"

#include <algorithm>
#include <utility>

namespace larder::gateway {

namespace asio = boost::asio;

MeteredResponder::MeteredResponder(Responder& inner, RequestMetrics& metrics,
                                   EndpointLabel endpoint)
    : inner_(inner), metrics_(metrics), endpoint_(endpoint) {
  ++metrics_.in_flight;
}

MeteredResponder::~MeteredResponder() {
  if (!counted_) Count(0);
  if (finished_) metrics_.whole.at(static_cast<std::size_t>(cache_)).Add(Clock::now() - begin_);
  --metrics_.in_flight;
}

void MeteredResponder::Count(int status) {
  counted_ = true;
  const auto cache = static_cast<std::size_t>(cache_);
  ++metrics_.requests.at(static_cast<std::size_t>(endpoint_)).at(cache);
  ++metrics_.answers.at(static_cast<std::size_t>(std::clamp(status / 100, 0, 5)));
}

void MeteredResponder::Note(const client::CacheOutcome& outcome) {
  cache_ = CacheLabelOf(outcome);
  metrics_.saved_input_tokens += outcome.saved_input_tokens;
  metrics_.saved_output_tokens += outcome.saved_output_tokens;
}

void MeteredResponder::NoteFirstByte() {
  metrics_.first_byte.at(static_cast<std::size_t>(cache_)).Add(Clock::now() - begin_);
}

asio::awaitable<bool> MeteredResponder::Send(AnswerHead head, std::vector<SharedBytes> body) {
  Count(head.status);
  const bool sent = co_await inner_.Send(std::move(head), std::move(body));
  if (sent) NoteFirstByte();
  finished_ = sent;
  co_return sent;
}

asio::awaitable<bool> MeteredResponder::Start(AnswerHead head) {
  Count(head.status);
  const bool sent = co_await inner_.Start(std::move(head));
  if (sent) NoteFirstByte();
  co_return sent;
}

asio::awaitable<bool> MeteredResponder::Write(SharedBytes piece) {
  return inner_.Write(std::move(piece));
}

asio::awaitable<bool> MeteredResponder::Finish() {
  finished_ = co_await inner_.Finish();
  co_return finished_;
}

}  // namespace larder::gateway
