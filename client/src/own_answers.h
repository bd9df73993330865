// Answers to requests that the cache has nothing for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "caching_core.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/message.h"
#include "larder/result.h"

namespace larder::client {

// 504 in the dialect's shape: only-if-cached was asked.
Response NotCached(const CachingCore& core);

// 504 in the dialect's shape: of a replay, which never asks the provider.
Response NotRecorded(const CachingCore& core, std::string_view why);

// The same where the store was asked what is `nearest`; 503 if it cannot say, for then nobody knows
// what is recorded. nullopt: it has not answered.
Response NotReplayed(const CachingCore& core, const std::optional<Result<std::string>>& nearest);

// Past the cache; `detail` says why.
boost::asio::awaitable<Result<Response>> PassThrough(std::shared_ptr<const CachingCore> core,
                                                     Request request, std::string detail);

// The same for what would be cached if it could be: counted as a refusal.
boost::asio::awaitable<Result<Response>> PassUncached(std::shared_ptr<const CachingCore> core,
                                                      Request request, std::string detail);

}  // namespace larder::client
