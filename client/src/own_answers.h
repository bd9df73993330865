// Answers to requests that the cache has nothing for.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "caching_core.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/message.h"

namespace larder::client {

// 504 in the dialect's shape: only-if-cached was asked.
Response NotCached(const CachingCore& core);

// 504 in the dialect's shape: of a replay, which never asks the provider.
Response NotRecorded(const CachingCore& core, std::string_view why);

// Past the cache; `detail` says why.
boost::asio::awaitable<Result<Response>> PassThrough(std::shared_ptr<const CachingCore> core,
                                                     Request request, std::string detail);

// The same for what would be cached if it could be: counted as a refusal.
boost::asio::awaitable<Result<Response>> PassUncached(std::shared_ptr<const CachingCore> core,
                                                      Request request, std::string detail);

}  // namespace larder::client
