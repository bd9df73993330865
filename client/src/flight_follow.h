// A caller's side of a flight: from what comes of it to a Response in the form that is wanted.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "cache_query.h"
#include "caching_core.h"
#include "handoff.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/cache_status.h"
#include "response_cache.h"

namespace larder::client {

// This flight is not for this caller: acquire again.
struct Again {
  std::uint64_t newer_than = 0;  // a value begun after this one; 0 = any
  std::string detail;            // why, if it is worth naming
};
// What came is for the caller alone who asked for it, and so would be what comes next: this caller
// is to ask by itself. Never for the leader's own.
struct Alone {};
// A stream caller behind a JSON answer that is long in coming: its stream is to begin with comment
// lines (waiting_stream.h), until `end` gives what FollowLate takes.
struct Slow {
  std::shared_ptr<const ResponseFlight> flight;
  FlightOpening opening;
  CacheOutcome outcome;
  Handoff<FlightOutcome> end;
};
using Followed = std::variant<Response, Status, Again, Alone, Slow>;

// What a flight's beginning means to those who get its answer.
Forward ForwardOf(MissReason reason);

// Completes when the head for this caller is there. `outcome.collapsed` tells the followers from
// the leader's own caller, who gets the answer as the upstream gave it.
boost::asio::awaitable<Followed> FollowFlight(std::shared_ptr<const CachingCore> core,
                                              const CacheQuery& query,
                                              std::shared_ptr<const ResponseFlight> flight,
                                              CacheOutcome outcome);

// What comes of a flight that was slow and has ended, as if the caller's stream had not begun.
boost::asio::awaitable<Followed> FollowLate(std::shared_ptr<const CachingCore> core,
                                            const CacheQuery& query, Slow slow,
                                            FlightOutcome ended);

}  // namespace larder::client
