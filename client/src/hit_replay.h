// From a cached answer to a Response in the form that the caller wants.
#pragma once

#include <cstddef>
#include <memory>

#include "caching_core.h"
#include "form_conversion.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/cache_status.h"
#include "larder/client/request_key.h"
#include "larder/clock.h"
#include "response_cache.h"

namespace larder::client {

// Stale, and read so that somebody sees to its successor.
bool IsBeingRevalidated(const CachedResponse& hit, const ReadOptions& read);

// What a hit says of itself.
CacheOutcome HitOutcome(const CachedResponse& response, const RequestKey& key);

// How long the pool may leave work on `bytes` of answers lying before it is done on the io thread,
// where all others of that thread wait for it: so only what is small is, and what would else wait
// behind a store that hangs, better late than never.
Duration PatienceFor(const CachingCore& core, std::size_t bytes);

// Large conversions run on the pool. Errors: kDataLoss (it cannot be brought into that form),
// kCancelled.
boost::asio::awaitable<Result<Response>> Replay(std::shared_ptr<const CachingCore> core,
                                                CachedResponse response, WantedForm wanted,
                                                CacheOutcome outcome);

}  // namespace larder::client
