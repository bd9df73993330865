// Answers to requests that the cache has nothing for.
#pragma once

#include <memory>
#include <string>

#include "caching_core.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/message.h"

namespace larder::client {

// 504 in the dialect's shape: only-if-cached was asked.
Response NotCached(const CachingCore& core);

// Past the cache; `detail` says why.
boost::asio::awaitable<Result<Response>> PassThrough(std::shared_ptr<const CachingCore> core,
                                                     Request request, std::string detail);

}  // namespace larder::client
