// MeteredResponder: counts one request while it is answered.
#pragma once

#include <chrono>

#include "exchange.h"
#include "request_metrics.h"

namespace larder::gateway {

// Hands everything on to `inner`, and counts the request once, however it ends.
class MeteredResponder final : public Responder {
 public:
  // Both must outlive it.
  MeteredResponder(Responder& inner, RequestMetrics& metrics, EndpointLabel endpoint);
  ~MeteredResponder() override;
  MeteredResponder(const MeteredResponder&) = delete;
  MeteredResponder& operator=(const MeteredResponder&) = delete;

  // What the cache did, before the answer begins; without it the gateway answered by itself.
  void Note(const client::CacheOutcome& outcome);

  boost::asio::awaitable<bool> Send(AnswerHead head, std::vector<SharedBytes> body) override;
  boost::asio::awaitable<bool> Start(AnswerHead head) override;
  boost::asio::awaitable<bool> Write(SharedBytes piece) override;
  boost::asio::awaitable<bool> Finish() override;
  EndpointLabel endpoint() const { return endpoint_; }
  bool started() const override { return inner_.started(); }

 private:
  using Clock = std::chrono::steady_clock;

  // Before the head goes out: who has the answer finds it counted. A status of 0: there was none.
  void Count(int status);
  void NoteFirstByte();

  Responder& inner_;
  RequestMetrics& metrics_;
  const EndpointLabel endpoint_;
  const Clock::time_point begin_ = Clock::now();
  CacheLabel cache_ = CacheLabel::kNone;
  bool counted_ = false;
  bool finished_ = false;
};

}  // namespace larder::gateway
