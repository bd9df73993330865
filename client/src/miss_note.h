// MissNote: a miss on its way into RecentMisses.
#pragma once

#include <memory>

#include "caching_core.h"
#include "larder/client/message.h"
#include "larder/client/request_key.h"
#include "larder/flight.h"

namespace larder::client {

// Notes that `request`, whose key is `key`, is sent upstream because of `reason`; in the core's
// RecentMisses, if it has any. Copies the request and hashes it later, on the pool: its caller does
// not wait for that.
void NoteMiss(std::shared_ptr<const CachingCore> core, const Request& request,
              const RequestKey& key, MissReason reason);

}  // namespace larder::client
