// The leader's side of a flight: fetch the answer, hand on what comes, judge and store it.
#pragma once

#include <memory>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/message.h"
#include "response_cache.h"

namespace larder::client {

// Starts a task of its own on core->io, which nobody's hanging up cancels: it is paid for, and
// others may follow it. It ends the lease in every case; destroying the io_context drops it.
void StartFetch(std::shared_ptr<const CachingCore> core, Request request, CacheQuery query,
                std::unique_ptr<ResponseLease> lease);

}  // namespace larder::client
