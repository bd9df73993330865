// LiveRelay: the body of a running flight, from its first byte, as it arrives.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "caching_core.h"
#include "event_stream.h"
#include "larder/client/asio/http_service.h"
#include "response_cache.h"

namespace larder::client {

class LiveRelay final : public BodyReader {
 public:
  // `without_usage`: the endpoint, to leave out the event that reports usage, which the leader
  // asked for and this caller did not; else null. All else passes as received.
  LiveRelay(std::shared_ptr<const CachingCore> core, std::shared_ptr<const ResponseFlight> flight,
            const Endpoint* without_usage);

  boost::asio::awaitable<Result<SharedBytes>> Read() override;

 private:
  boost::asio::awaitable<Result<SharedBytes>> WhyCut();
  // The events that `piece` completes, as text; what of the last event is missing is kept back.
  std::string WithoutUsage(std::string_view piece);
  // What the leader's last event lacked was only its blank line.
  std::string Rest();
  std::string Text(const std::vector<Event>& events) const;

  const std::shared_ptr<const CachingCore> core_;
  const std::shared_ptr<const ResponseFlight> flight_;
  const Endpoint* const without_usage_;
  std::size_t next_ = 0;
  EventStreamParser parser_;
  bool complete_ = false;
};

}  // namespace larder::client
