#include "stale_if_error.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "handoff.h"
#include "hit_replay.h"
#include "retry_rule.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;

struct Trouble {
  std::optional<int> status;  // none: the upstream did not answer
};

std::optional<Trouble> TroubleOf(const Followed& followed) {
  if (const auto* status = std::get_if<Status>(&followed)) {
    const bool theirs = status->code() == StatusCode::kUnavailable ||
                        status->code() == StatusCode::kDeadlineExceeded;
    return theirs ? std::optional(Trouble{}) : std::nullopt;
  }
  const auto* response = std::get_if<Response>(&followed);
  if (response == nullptr || response->head.cache.hit()) return std::nullopt;
  if (!IsTrouble(response->head.status)) return std::nullopt;
  return Trouble{response->head.status};
}

// `no-cache` and `min-fresh` say that nothing stale is wanted, come what may.
bool WantsNoStale(const Directives& directives) {
  return directives.no_cache || directives.min_fresh.has_value();
}

}  // namespace

boost::asio::awaitable<std::optional<Response>> StaleInstead(Core core, const CacheQuery& query,
                                                             const Followed& followed) {
  const std::optional<Trouble> trouble = TroubleOf(followed);
  if (!trouble || query.stale_if_error == Duration(0) || WantsNoStale(query.directives)) {
    co_return std::nullopt;
  }
  ReadOptions read = query.read;
  read.max_stale = std::max(read.max_stale, query.stale_if_error);
  read.newer_than = 0;
  auto look = [core, key = query.key, read] {
    const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
    return core->cache->Get(bytes, read);
  };
  auto found = co_await RunOnPool(core->io, core->pool, std::move(look), core->limits.lookup);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state) || !found || !*found) co_return std::nullopt;
  CacheOutcome outcome = HitOutcome(**found, query.key);
  outcome.forward = Forward::kStale;
  outcome.forward_status = trouble->status;
  outcome.detail = "stale-if-error";
  const WantedForm wanted{query.plan.stream, query.plan.wants_usage};
  if (!CanGive((*found)->info, wanted)) co_return std::nullopt;
  CachedResponse hit = *std::move(*found);
  Result<Response> replay = co_await Replay(core, std::move(hit), wanted, std::move(outcome));
  if (!replay.ok()) co_return std::nullopt;
  if (core->health != nullptr) ++core->health->counters->stale_if_error;
  co_return *std::move(replay);
}

}  // namespace larder::client
