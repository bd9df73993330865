// StaleIfError: an entry past its freshness, where the upstream has only trouble to offer.
#pragma once

#include <memory>
#include <optional>

#include "cache_query.h"
#include "caching_core.h"
#include "flight_follow.h"
#include "larder/client/asio/http_service.h"

namespace larder::client {

struct Trouble {
  std::optional<int> status;  // none: the upstream did not answer
};
// nullopt: it is none of the upstream's.
std::optional<Trouble> TroubleOf(const Status& status);
std::optional<Trouble> TroubleOf(const Response& response);

// How to look for it; nullopt: `no-cache` or `min-fresh` say that nothing stale is wanted, come
// what may.
std::optional<ReadOptions> StaleRead(const CacheQuery& query);
// Says so in `outcome`, and counts it.
void MarkStaleIfError(const CachingCore& core, const Trouble& trouble, CacheOutcome& outcome);

// The stale answer that stands in for `followed`, or nullopt: it is no trouble, the caller wants
// no stale answer, there is none, or the coroutine was cancelled.
boost::asio::awaitable<std::optional<Response>> StaleInstead(
    std::shared_ptr<const CachingCore> core, const CacheQuery& query, const Followed& followed);

}  // namespace larder::client
