#include "revalidate.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <string_view>
#include <utility>
#include <variant>

#include "handoff.h"
#include "upstream_fetch.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;

boost::asio::awaitable<void> Run(Core core, CacheQuery query, Request request) {
  FlightOpening opening;
  opening.stream = query.plan.stream;
  opening.wants_usage = query.plan.wants_usage;
  auto work = [core, key = query.key, read = query.read, opening] {
    const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
    return core->cache->Acquire(bytes, read, opening);
  };
  auto acquired = co_await RunOnPool(core->io, core->pool, std::move(work), core->limits.lookup);
  if (!acquired) co_return;
  auto* lease = std::get_if<std::unique_ptr<ResponseLease>>(&*acquired);
  if (lease == nullptr) co_return;
  StartFetch(core, std::move(request), std::move(query), std::move(*lease));
}

}  // namespace

void Revalidate(Core core, const CacheQuery& query, const Request& request, std::uint64_t number) {
  CacheQuery next = query;
  next.read.newer_than = std::max(next.read.newer_than, number);
  boost::asio::io_context& io = core->io;
  boost::asio::co_spawn(io, Run(std::move(core), std::move(next), request), boost::asio::detached);
}

}  // namespace larder::client
