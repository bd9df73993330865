// The leader's side of a flight: fetch the answer, hand on what comes, judge and store it.
#pragma once

#include <memory>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/message.h"
#include "response_cache.h"

namespace larder::client {

// Starts a task of its own on core->io, which no single caller's hanging up cancels: it is paid
// for, and others may follow it. It ends the lease in every case; destroying the io_context drops
// it. Before lease->Follow().
void StartFetch(std::shared_ptr<const CachingCore> core, Request request, CacheQuery query,
                std::unique_ptr<ResponseLease> lease);
// The same for callers who follow it: given up when all have left, if core->on_abort says so.
std::shared_ptr<const ResponseFlight> StartFollowedFetch(std::shared_ptr<const CachingCore> core,
                                                         Request request, CacheQuery query,
                                                         std::unique_ptr<ResponseLease> lease);

}  // namespace larder::client
