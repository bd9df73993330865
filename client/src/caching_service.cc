#include "caching_service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "batch_service.h"
#include "caller_deadline.h"
#include "cassette_notes.h"
#include "explain_miss.h"
#include "flight_follow.h"
#include "form_conversion.h"
#include "handoff.h"
#include "hit_replay.h"
#include "own_answers.h"
#include "stale_if_error.h"
#include "store_work.h"
#include "upstream_fetch.h"
#include "waiting_stream.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;

// How often a caller is sent on: by an entry that lacks what it wants, by flights that were
// dropped. More can only be a fault; the request then goes past the cache.
constexpr int kMaxTurns = 8;

Status GivenUp() { return {StatusCode::kCancelled, "the caller gave up"}; }

bool IsGivenUp(const Followed& followed) {
  const auto* status = std::get_if<Status>(&followed);
  return status != nullptr && status->code() == StatusCode::kCancelled;
}

// The request went out already.
Status FetchWasGivenUp() { return {StatusCode::kUnavailable, "the fetch was given up"}; }

// nullopt: cancelled, or the pool is stuck behind a store that hangs.
boost::asio::awaitable<std::optional<CacheQuery>> Understand(Core core,
                                                             std::shared_ptr<Request> request) {
  if (request->body.size() <= core->limits.inline_bytes) co_return MakeCacheQuery(*core, *request);
  auto work = [core, request] { return MakeCacheQuery(*core, *request); };
  co_return co_await RunOnPool(core->io, core->pool, std::move(work), core->limits.lookup);
}

// Why a hit is not for this caller, or nullopt.
std::optional<std::string> Objection(const CachedResponse& hit, const CacheQuery& query) {
  const WantedForm wanted{query.plan.stream, query.plan.wants_usage};
  if (!CanGive(hit.info, wanted)) return "no-usage";
  const std::optional<Duration>& min_fresh = query.directives.min_fresh;
  if (min_fresh && hit.ttl && *hit.ttl < *min_fresh) return "";
  return std::nullopt;
}

// One request on its way through the cache.
class Journey {
 public:
  Journey(Core core, CacheQuery query, std::shared_ptr<Request> request)
      : core_(std::move(core)), query_(std::move(query)), request_(std::move(request)) {
    outcome_.forward = query_.directives.no_cache ? Forward::kRequest : Forward::kMiss;
    outcome_.key = ToHex(query_.key);
  }

  boost::asio::awaitable<Result<Response>> Go() {
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      std::optional<ResponseAcquired> acquired = co_await Acquire();
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(state)) co_return GivenUp();
      if (!acquired) break;  // the store hangs
      Followed followed = co_await Take(*std::move(acquired));
      if (IsGivenUp(followed)) co_return GivenUp();
      std::optional<Result<Response>> answer = co_await Settle(std::move(followed));
      if (answer) co_return *std::move(answer);
    }
    if (request_ == nullptr) co_return FetchWasGivenUp();
    co_return co_await PassUncached(core_, std::move(*request_), "store-unavailable");
  }

  // Reads only: neither starts nor joins a flight.
  boost::asio::awaitable<Result<Response>> OnlyIfCached() {
    query_.read.stale_window = StaleWindow::kNone;  // nobody would fetch its successor
    std::optional<CachedResponse> hit = core_->cache->GetInMemory(Key(), query_.read);
    if (!hit) {
      auto work = [core = core_, query = query_] {
        return core->cache->Get(query.key_bytes(), query.read);
      };
      auto found =
          co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(state)) co_return GivenUp();
      if (found) hit = *std::move(found);
    }
    if (!hit || Objection(*hit, query_)) co_return co_await Missing();
    Result<Response> replay = co_await ReplayHit(*std::move(hit));
    if (replay.ok() || replay.status().code() == StatusCode::kCancelled) co_return replay;
    co_return co_await Missing();
  }

 private:
  std::string_view Key() const { return query_.key_bytes(); }

  // The answer to this caller, who has not given up, if that is one; else what the next turn has to
  // know is noted.
  boost::asio::awaitable<std::optional<Result<Response>>> Settle(Followed followed) {
    std::optional<Response> stale = co_await StaleInstead(core_, query_, followed);
    if (stale) co_return *std::move(stale);
    if (auto* response = std::get_if<Response>(&followed)) co_return std::move(*response);
    if (const auto* status = std::get_if<Status>(&followed)) co_return *status;
    if (auto* slow = std::get_if<Slow>(&followed)) co_return BeginStream(std::move(*slow));
    auto& again = std::get<Again>(followed);
    // What is told later is the newer one: only a greater number was looked at. Not by its size,
    // which says nothing across the opening of a cache that opens late.
    if (again.newer_than != 0 && query_.read.newer_than != kRefresh) {
      query_.read.newer_than = again.newer_than;
    }
    if (!again.detail.empty()) outcome_.detail = std::move(again.detail);
    co_return std::nullopt;
  }

  // The journey goes on within the stream, whose head says that it is plain text, also where the
  // upstream is asked past the cache in the end.
  Response BeginStream(Slow slow) {
    if (request_ != nullptr) request_->headers.Set("accept-encoding", "identity");
    Response response;
    response.head.status = 200;
    response.head.headers.Set("content-type", "text/event-stream; charset=utf-8");
    response.head.cache = slow.outcome;
    Handoff<FlightOutcome> end = slow.end;
    auto give = [journey = std::make_shared<Journey>(*this), slow](FlightOutcome ended) {
      return journey->GoOn(slow, std::move(ended));
    };
    response.body = std::make_unique<WaitingStream>(core_, *query_.plan.endpoint, std::move(end),
                                                    std::move(give));
    return response;
  }

  boost::asio::awaitable<Result<Response>> GoOn(Slow slow, FlightOutcome ended) {
    Followed followed = co_await FollowLate(core_, query_, std::move(slow), std::move(ended));
    if (IsGivenUp(followed)) co_return GivenUp();
    std::optional<Result<Response>> answer = co_await Settle(std::move(followed));
    if (answer) co_return *std::move(answer);
    co_return co_await Go();
  }

  // What is stale may have to be fetched again, which only Acquire says.
  ReadOptions FreshOnly() const {
    ReadOptions read = query_.read;
    read.max_stale = Duration(0);
    read.stale_window = StaleWindow::kNone;
    return read;
  }

  // In memory first, then on the pool; nullopt: cancelled, or the store does not answer.
  boost::asio::awaitable<std::optional<ResponseAcquired>> Acquire() {
    std::optional<CachedResponse> hit = core_->cache->GetInMemory(Key(), FreshOnly());
    if (hit) co_return ResponseAcquired(*std::move(hit));
    FlightOpening opening;
    opening.stream = query_.plan.stream;
    opening.wants_usage = query_.asks_usage();
    opening.credentials = query_.credentials;
    if (query_.directives.explain && outcome_.explanation.empty()) co_await Explain();
    auto at_once = core_->cache->AcquireInMemory(Key(), query_.read, opening);
    if (at_once) co_return at_once;
    auto work = [core = core_, key = query_.key, read = query_.read, opening] {
      const std::string_view bytes(reinterpret_cast<const char*>(key.data()), key.size());
      return core->cache->Acquire(bytes, read, opening);
    };
    co_return co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
  }

  boost::asio::awaitable<Response> Missing() {
    if (query_.directives.explain) co_await Explain();
    Response missing;
    if (core_->cassette == CassetteMode::kReplay) {
      auto work = [core = core_, traits = query_.traits] {
        return NearestRecording(*core->cache, traits);
      };
      const auto nearest =
          co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
      missing = NotReplayed(*core_, nearest);
    } else {
      missing = NotCached(*core_);
    }
    missing.head.cache.explanation = outcome_.explanation;
    co_return missing;
  }

  boost::asio::awaitable<void> Explain() {
    auto work = [core = core_, query = query_] {
      return core->cache->Explain(query.key_bytes(), query.read);
    };
    auto why = co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
    if (!why) co_return;
    outcome_.explanation = WhyMissed(query_.directives, outcome_.detail, *std::move(why));
  }

  boost::asio::awaitable<Followed> Take(ResponseAcquired acquired) {
    if (auto* hit = std::get_if<CachedResponse>(&acquired)) co_return co_await TakeHit(*hit);
    if (auto* stale = std::get_if<StaleResponse>(&acquired)) {
      co_return co_await TakeStale(std::move(stale->hit), std::move(stale->lease));
    }
    if (auto* lease = std::get_if<std::unique_ptr<ResponseLease>>(&acquired)) {
      co_return co_await Lead(std::move(*lease));
    }
    outcome_.collapsed = true;
    auto flight = std::get<std::shared_ptr<const ResponseFlight>>(std::move(acquired));
    Followed followed = co_await FollowFlight(core_, query_, std::move(flight), outcome_);
    if (!std::holds_alternative<Alone>(followed)) co_return followed;
    co_return co_await AskAlone("not-shared");
  }

  // Past the cache, not behind one another: what comes could not be shared either, or there is no
  // room to keep it.
  boost::asio::awaitable<Followed> AskAlone(const char* why) {
    if (request_ == nullptr) co_return FetchWasGivenUp();
    Request request = std::move(*std::exchange(request_, nullptr));
    request.repeatable = true;  // as StartFetch has it
    Result<Response> response = co_await PassUncached(core_, std::move(request), why);
    if (!response.ok()) co_return response.status();
    co_return Followed(*std::move(response));
  }

  boost::asio::awaitable<Followed> Lead(std::unique_ptr<ResponseLease> lease) {
    if (request_ == nullptr) co_return FetchWasGivenUp();
    outcome_.collapsed = false;
    if (core_->flight_memory->IsTight()) {
      lease.reset();
      co_return co_await AskAlone("flight-memory");
    }
    Request request = std::move(*std::exchange(request_, nullptr));
    std::shared_ptr<const ResponseFlight> flight =
        StartFollowedFetch(core_, std::move(request), query_, std::move(lease));
    co_return co_await FollowFlight(core_, query_, std::move(flight), outcome_);
  }

  // The stale entry now, its successor by a task of its own; or that successor, if the entry is
  // not for this caller.
  boost::asio::awaitable<Followed> TakeStale(CachedResponse hit,
                                             std::unique_ptr<ResponseLease> lease) {
    const std::optional<std::string> objection = Objection(hit, query_);
    if (objection) {
      if (!objection->empty()) outcome_.detail = *objection;
      co_return co_await Lead(std::move(lease));
    }
    Result<Response> replay = co_await ReplayHit(std::move(hit));
    if (replay.status().code() == StatusCode::kCancelled) co_return replay.status();
    if (!replay.ok()) co_return co_await Lead(std::move(lease));
    const bool has_room = !core_->flight_memory->IsTight();
    if (request_ != nullptr && has_room) StartFetch(core_, *request_, query_, std::move(lease));
    co_return Followed(*std::move(replay));
  }

  boost::asio::awaitable<Followed> TakeHit(CachedResponse hit) {
    const std::uint64_t number = hit.number;
    const std::optional<std::string> objection = Objection(hit, query_);
    if (objection) co_return Again{number, *objection};
    Result<Response> replay = co_await ReplayHit(std::move(hit));
    if (replay.ok()) co_return Followed(*std::move(replay));
    if (replay.status().code() == StatusCode::kCancelled) co_return replay.status();
    co_return Again{number, ""};  // a miss, whose answer replaces it
  }

  boost::asio::awaitable<Result<Response>> ReplayHit(CachedResponse hit) {
    CacheOutcome outcome = HitOutcome(hit, query_.key);
    if (IsBeingRevalidated(hit, query_.read)) outcome.detail = "stale-while-revalidate";
    const WantedForm wanted{query_.plan.stream, query_.plan.wants_usage};
    co_return co_await Replay(core_, std::move(hit), wanted, std::move(outcome));
  }

  const Core core_;
  CacheQuery query_;
  std::shared_ptr<Request> request_;  // null once it went out
  CacheOutcome outcome_;
};

boost::asio::awaitable<Result<Response>> Serve(Core core, Request given) {
  auto request = std::make_shared<Request>(std::move(given));
  RemoveDirectives(request->headers);
  std::optional<CacheQuery> query = co_await Understand(core, request);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return GivenUp();
  // A replay, which asks nobody whatever is asked of it, says better what is missing.
  const bool may_not_ask =
      request->directives.only_if_cached && core->cassette != CassetteMode::kReplay;
  if (may_not_ask && (!query || query->bypass)) co_return NotCached(*core);
  if (!query) co_return co_await PassUncached(core, *request, "store-unavailable");
  if (query->bypass) {
    const bool explain = request->directives.explain;
    Result<Response> passed = co_await PassThrough(core, std::move(*request), query->bypass_detail);
    if (explain && passed.ok()) passed->head.cache.explanation = WhyBypassed(query->bypass_detail);
    co_return passed;
  }
  if (query->plan.batch != nullptr) {
    co_return co_await AnswerBatch(core, *std::move(query), std::move(request));
  }
  const bool only_if_cached =
      request->directives.only_if_cached || core->cassette == CassetteMode::kReplay;
  Journey journey(core, *std::move(query), std::move(request));
  if (only_if_cached) co_return co_await journey.OnlyIfCached();
  co_return co_await journey.Go();
}

}  // namespace

boost::asio::awaitable<Result<Response>> CachingService::Send(Request request) {
  const Core core = core_;  // the service may go while this runs
  // Not handed on: others may follow the fetch.
  const auto deadline = std::exchange(request.deadline, std::nullopt);
  auto call = Serve(core, std::move(request));
  if (deadline) co_return co_await EndBy(*deadline, std::move(call));
  co_return co_await std::move(call);
}

}  // namespace larder::client
