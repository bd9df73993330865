// WaitingStream: what a stream caller reads while the JSON answer that it joined is computed:
// comment lines, which event stream parsers skip, then the answer as events.
#pragma once

#include <memory>
#include <vector>

#include "caching_core.h"
#include "form_conversion.h"
#include "handoff.h"
#include "larder/client/asio/http_service.h"
#include "response_cache.h"

namespace larder::client {

class WaitingStream final : public BodyReader {
 public:
  // `end` gives the flight's outcome.
  WaitingStream(std::shared_ptr<const CachingCore> core,
                std::shared_ptr<const ResponseFlight> flight, Handoff<FlightOutcome> end,
                WantedForm wanted);

  // If the flight fails, the stream ends with an event that reports the error.
  boost::asio::awaitable<Result<SharedBytes>> Read() override;

 private:
  boost::asio::awaitable<Result<SharedBytes>> Answer(FlightOutcome outcome);
  boost::asio::awaitable<Result<SharedBytes>> UpstreamError();
  SharedBytes ErrorEvent(int status, std::string_view message) const;

  const std::shared_ptr<const CachingCore> core_;
  const std::shared_ptr<const ResponseFlight> flight_;
  Handoff<FlightOutcome> end_;
  const WantedForm wanted_;
  std::unique_ptr<BodyReader> answer_;  // once it is there
};

}  // namespace larder::client
