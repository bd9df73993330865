// WaitingStream: what a stream caller reads while the JSON answer that it joined is computed:
// comment lines, which event stream parsers skip, then the answer as events.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "caching_core.h"
#include "dialect.h"
#include "handoff.h"
#include "larder/client/asio/http_service.h"
#include "response_cache.h"

namespace larder::client {

class WaitingStream final : public BodyReader {
 public:
  // What the caller is to have now that the flight has ended so: its answer, or another one.
  using GiveAnswer = std::function<boost::asio::awaitable<Result<Response>>(FlightOutcome ended)>;

  // `end` gives the flight's outcome.
  WaitingStream(std::shared_ptr<const CachingCore> core, const Endpoint& endpoint,
                Handoff<FlightOutcome> end, GiveAnswer give);

  // What cannot be events, as an error cannot, ends the stream with an event that reports it.
  boost::asio::awaitable<Result<SharedBytes>> Read() override;

 private:
  boost::asio::awaitable<Result<SharedBytes>> Begin(FlightOutcome ended);
  boost::asio::awaitable<Result<SharedBytes>> UpstreamError(BodyReader& body);
  SharedBytes ErrorEvent(int status, std::string_view message) const;

  const std::shared_ptr<const CachingCore> core_;
  const Endpoint& endpoint_;
  Handoff<FlightOutcome> end_;
  GiveAnswer give_;                     // until it has given
  std::unique_ptr<BodyReader> answer_;  // from then on
};

}  // namespace larder::client
