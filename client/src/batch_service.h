// A request that is answered item by item: what the cache has, and for the rest one upstream
// request, each different item once.
#pragma once

#include <memory>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/message.h"

namespace larder::client {

// `query.plan.batch` is set. If nothing is there and no item occurs twice, the answer is the
// upstream's, byte for byte; else it is put together.
boost::asio::awaitable<Result<Response>> AnswerBatch(std::shared_ptr<const CachingCore> core,
                                                     CacheQuery query,
                                                     std::shared_ptr<Request> request);

}  // namespace larder::client
