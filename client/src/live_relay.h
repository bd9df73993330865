// LiveRelay: the body of a running flight, from its first byte, as it arrives.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "caching_core.h"
#include "larder/client/asio/http_service.h"
#include "response_cache.h"
#include "usage_filter.h"

namespace larder::client {

class LiveRelay final : public BodyReader {
 public:
  // `without_usage`: the endpoint, to leave out the event that reports usage, which was asked for,
  // but not by this caller; else null. All else passes as received.
  LiveRelay(std::shared_ptr<const CachingCore> core, std::shared_ptr<const ResponseFlight> flight,
            const Endpoint* without_usage);

  boost::asio::awaitable<Result<SharedBytes>> Read() override;

 private:
  boost::asio::awaitable<Result<SharedBytes>> WhyCut();

  const std::shared_ptr<const CachingCore> core_;
  const std::shared_ptr<const ResponseFlight> flight_;
  std::optional<UsageFilter> without_usage_;
  std::size_t next_ = 0;
  bool complete_ = false;
};

}  // namespace larder::client
