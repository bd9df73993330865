// CachingService: the decorator that answers from the cache, and joins what is being computed.
//
// One request is followed like this: CacheQuery (what it means to the cache) → ResponseCache → a
// hit is replayed (hit_replay.h); a lease is fetched by a task of its own (upstream_fetch.h); and
// whoever has a flight, the lease's own caller included, follows it (flight_follow.h).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/asio/http_service.h"
#include "response_cache.h"

namespace larder::client {

class CachingService final : public HttpService {
 public:
  explicit CachingService(std::shared_ptr<const CachingCore> core) : core_(std::move(core)) {}

  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  const std::shared_ptr<const CachingCore> core_;
};

}  // namespace larder::client
