// Revalidate: fetches anew, in the background, what was just answered stale.
#pragma once

#include <cstdint>
#include <memory>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/message.h"

namespace larder::client {

// `number` is the stale entry's. Does nothing if its successor is being fetched already, or is
// there. On the io_context's thread.
void Revalidate(std::shared_ptr<const CachingCore> core, const CacheQuery& query,
                const Request& request, std::uint64_t number);

}  // namespace larder::client
