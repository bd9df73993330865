#include "stale_if_error.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "hit_replay.h"
#include "retry_rule.h"
#include "store_work.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;

std::optional<Trouble> TroubleIn(const Followed& followed) {
  if (const auto* status = std::get_if<Status>(&followed)) return TroubleOf(*status);
  const auto* response = std::get_if<Response>(&followed);
  return response == nullptr ? std::nullopt : TroubleOf(*response);
}

}  // namespace

std::optional<Trouble> TroubleOf(const Status& status) {
  const bool theirs = status.code() == StatusCode::kUnavailable ||
                      status.code() == StatusCode::kDeadlineExceeded ||
                      status.code() == StatusCode::kResourceExhausted;
  return theirs ? std::optional(Trouble{}) : std::nullopt;
}

std::optional<Trouble> TroubleOf(const Response& response) {
  if (response.head.cache.hit() || !IsTrouble(response.head.status)) return std::nullopt;
  return Trouble{response.head.status};
}

std::optional<ReadOptions> StaleRead(const CacheQuery& query) {
  if (query.directives.no_cache || query.directives.min_fresh) return std::nullopt;
  ReadOptions read = query.read;
  read.newer_than = 0;
  // Who says how stale an answer may be gets none that is staler.
  if (!query.directives.max_stale) read.stale_window = StaleWindow::kIfError;
  return read;
}

void MarkStaleIfError(const CachingCore& core, const Trouble& trouble, CacheOutcome& outcome) {
  outcome.forward = Forward::kStale;
  outcome.forward_status = trouble.status;
  outcome.detail = "stale-if-error";
  if (core.health != nullptr) ++core.health->counters->stale_if_error;
}

boost::asio::awaitable<std::optional<Response>> StaleInstead(Core core, const CacheQuery& query,
                                                             const Followed& followed) {
  const std::optional<Trouble> trouble = TroubleIn(followed);
  const std::optional<ReadOptions> read = StaleRead(query);
  if (!trouble || !read) co_return std::nullopt;
  auto look = [core, key = query.key, read] {
    const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
    return core->cache->Get(bytes, *read);
  };
  auto found = co_await RunOnStore(core->io, core->store, std::move(look), core->limits.lookup);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state) || !found || !*found) co_return std::nullopt;
  CacheOutcome outcome = HitOutcome(**found, query.key);
  const WantedForm wanted{query.plan.stream, query.plan.wants_usage};
  if (!CanGive((*found)->info, wanted)) co_return std::nullopt;
  CachedResponse hit = *std::move(*found);
  Result<Response> replay = co_await Replay(core, std::move(hit), wanted, std::move(outcome));
  if (!replay.ok()) co_return std::nullopt;
  MarkStaleIfError(*core, *trouble, replay->head.cache);
  co_return *std::move(replay);
}

}  // namespace larder::client
