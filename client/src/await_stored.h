// AwaitStored: holds the end of an answer back until the store has it, within reason.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>

#include "caching_core.h"
#include "response_cache.h"

namespace larder::client {

// Whether the store has the flight's answer: who got the whole of it finds it again, even if the
// process dies now. Costs what a put costs, some 30 us. A store that hangs delays one caller, by
// limits.store; until it moves again nobody waits for it. False too if it is not stored, not known
// yet, or the caller gave up. Call it once the flight is about to end.
boost::asio::awaitable<bool> AwaitStored(std::shared_ptr<const CachingCore> core,
                                         std::shared_ptr<const ResponseFlight> flight);

}  // namespace larder::client
