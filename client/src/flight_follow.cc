#include "flight_follow.h"

#include <chrono>
#include <optional>
#include <utility>

#include "await_stored.h"
#include "form_conversion.h"
#include "hit_replay.h"
#include "live_relay.h"
#include "storable_answer.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;
using FlightPtr = std::shared_ptr<const ResponseFlight>;
using std::chrono::steady_clock;

// What one caller has in hand while it follows.
struct Follower {
  Core core;
  const CacheQuery& query;
  FlightPtr flight;
  CacheOutcome outcome;
  FlightOpening opening;
  WantedForm wanted;
};

Followed GivenUp() { return Status(StatusCode::kCancelled, "the caller gave up"); }

// Nothing has been passed on yet, so a flight that was dropped can be taken up anew.
Followed Ended(const Status& status) {
  if (status.code() == StatusCode::kCancelled) return Again{};
  return status;
}

boost::asio::awaitable<Followed> EndedEarly(const Follower& follower) {
  Handoff<FlightOutcome> end(follower.core->io);
  follower.flight->OnEnd(end.Giver());
  const std::optional<FlightOutcome> outcome = co_await end.Wait();
  if (!outcome) co_return GivenUp();
  if (!outcome->status.ok()) co_return Ended(outcome->status);
  co_return Again{follower.flight->number(), ""};  // complete, and yet nothing in it
}

// The upstream's word on whoever it was asked for, which is not this caller.
bool IsAboutAnother(const Follower& follower, const FlightHead& head) {
  const int status = head.status;
  return follower.outcome.collapsed && follower.opening.credentials != follower.query.credentials &&
         (status == 401 || status == 402 || status == 403 || status == 429);
}

// What a hit would not be given, who waits for it is not either; but an upstream's trouble is
// everybody's, and a cassette is of one caller.
bool IsForAnother(const Follower& follower, const FlightHead& head) {
  constexpr int kServerError = 500;
  const CachingCore& core = *follower.core;
  return follower.outcome.collapsed && follower.query.plan.endpoint->is_plain_http() &&
         core.cassette == CassetteMode::kNone && head.status < kServerError &&
         !ObjectionToSharing(core, follower.query, head.headers).empty();
}

Response Relay(Follower& follower, const FlightHead& head) {
  Response response;
  response.head.status = head.status;
  response.head.headers = head.headers;
  if (follower.outcome.collapsed) response.head.headers.Remove("set-cookie");
  const bool drop_usage = head.kind == AnswerKind::kEvents && follower.opening.wants_usage &&
                          !follower.query.wants_usage();
  if (drop_usage) response.head.headers.Remove("content-length");
  response.head.cache = std::move(follower.outcome);
  response.body = std::make_unique<LiveRelay>(follower.core, follower.flight,
                                              drop_usage ? follower.query.plan.endpoint : nullptr);
  return response;
}

Followed RelayOpaque(Follower& follower, const FlightHead& head) {
  if (IsAboutAnother(follower, head)) return Again{follower.flight->number(), ""};
  return Relay(follower, head);
}

// The answer was complete: in the form that is wanted, if it can be brought into it.
boost::asio::awaitable<Followed> Convert(Follower& follower, FlightOutcome outcome) {
  const Again again{follower.flight->number(), ""};
  if (!outcome.response) co_return again;
  if (!CanGive(outcome.response->info, follower.wanted)) {
    co_return Again{follower.flight->number(), "no-usage"};
  }
  Result<Response> response = co_await Replay(follower.core, *std::move(outcome.response),
                                              follower.wanted, follower.outcome);
  if (response.ok()) co_return Followed(*std::move(response));
  if (response.status().code() == StatusCode::kCancelled) co_return response.status();
  co_return again;  // not a whole answer in this form; the caller's own request will tell
}

// Completes when the body is all there, or with what cut it short.
boost::asio::awaitable<Followed> WaitForBody(const Follower& follower) {
  for (std::size_t next = 0;; ++next) {
    Handoff<std::optional<SharedBytes>> handoff(follower.core->io);
    follower.flight->OnBody(next, handoff.Giver());
    const std::optional<std::optional<SharedBytes>> piece = co_await handoff.Wait();
    if (!piece) co_return GivenUp();
    if (!*piece) co_return co_await EndedEarly(follower);
    if ((*piece)->empty()) co_return Status::Ok();
  }
}

// The head is passed on when the body is all there, since a cut can still be an error then, and
// when the answer is in the store: who has it may ask for it again, even after a crash. A store
// that hangs is not waited for.
boost::asio::awaitable<Followed> RelayWhole(Follower& follower, const FlightHead& head) {
  Followed body = co_await WaitForBody(follower);
  const auto* status = std::get_if<Status>(&body);
  if (status == nullptr || !status->ok()) co_return body;
  if (!follower.outcome.collapsed) {
    follower.outcome.stored = co_await AwaitStored(follower.core, follower.flight);
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state)) co_return GivenUp();
  }
  co_return Followed(Relay(follower, head));
}

boost::asio::awaitable<Followed> WaitAndConvert(Follower& follower) {
  Handoff<FlightOutcome> end(follower.core->io);
  follower.flight->OnEnd(end.Giver());
  std::optional<FlightOutcome> outcome = co_await end.Wait();
  if (!outcome) co_return GivenUp();
  if (!outcome->status.ok()) co_return Ended(outcome->status);
  co_return co_await Convert(follower, *std::move(outcome));
}

// A stream caller behind a JSON flight: in silence first, so that an error can still be one.
boost::asio::awaitable<Followed> StreamBehindJson(Follower& follower) {
  const CachingCore& core = *follower.core;
  const auto until = steady_clock::now() + core.limits.silence;
  Handoff<std::optional<FlightHead>> first(core.io);
  follower.flight->OnHead(first.Giver());
  const std::optional<std::optional<FlightHead>> head = co_await first.Wait(core.limits.silence);
  const bool headless = head.has_value() && !head->has_value();
  if (headless) co_return co_await EndedEarly(follower);
  if (head && (*head)->kind == AnswerKind::kOpaque) co_return RelayOpaque(follower, **head);

  Handoff<FlightOutcome> end(core.io);
  follower.flight->OnEnd(end.Giver());
  auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return GivenUp();
  const auto left = std::chrono::ceil<Duration>(until - steady_clock::now());
  std::optional<FlightOutcome> outcome = co_await end.Wait(std::max(left, Duration(0)));
  if (outcome && !outcome->status.ok()) co_return Ended(outcome->status);
  if (outcome) co_return co_await Convert(follower, *std::move(outcome));
  state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return GivenUp();
  Slow slow{.flight = std::move(follower.flight),
            .opening = follower.opening,
            .outcome = std::move(follower.outcome),
            .end = std::move(end)};
  co_return Followed(std::move(slow));
}

boost::asio::awaitable<Followed> FollowHead(Follower& follower) {
  Handoff<std::optional<FlightHead>> handoff(follower.core->io);
  follower.flight->OnHead(handoff.Giver());
  const std::optional<std::optional<FlightHead>> given = co_await handoff.Wait();
  if (!given) co_return GivenUp();
  if (!*given) co_return co_await EndedEarly(follower);
  const FlightHead& head = **given;
  if (IsForAnother(follower, head)) co_return Alone{};
  const bool leader = !follower.outcome.collapsed;
  const bool stream = head.kind == AnswerKind::kEvents;
  if (head.kind == AnswerKind::kOpaque) co_return RelayOpaque(follower, head);
  if (!leader && stream != follower.wanted.stream) co_return co_await WaitAndConvert(follower);
  if (stream) co_return Followed(Relay(follower, head));
  co_return co_await RelayWhole(follower, head);
}

}  // namespace

Forward ForwardOf(MissReason reason) {
  if (reason == MissReason::kExpired) return Forward::kStale;
  return reason == MissReason::kUnwanted ? Forward::kRequest : Forward::kMiss;
}

boost::asio::awaitable<Followed> FollowFlight(Core core, const CacheQuery& query, FlightPtr flight,
                                              CacheOutcome outcome) {
  Follower follower{.core = std::move(core),
                    .query = query,
                    .flight = std::move(flight),
                    .outcome = std::move(outcome),
                    .opening = {},
                    .wanted = {query.plan.stream, query.plan.wants_usage}};
  if (follower.outcome.forward == Forward::kMiss && follower.outcome.detail.empty()) {
    follower.outcome.forward = ForwardOf(follower.flight->reason());
  }
  Handoff<std::optional<FlightOpening>> handoff(follower.core->io);
  follower.flight->OnOpening(handoff.Giver());
  const std::optional<std::optional<FlightOpening>> opening = co_await handoff.Wait();
  if (!opening) co_return GivenUp();
  if (!*opening) co_return co_await EndedEarly(follower);
  follower.opening = **opening;
  const bool no_usage = follower.opening.stream && !follower.opening.wants_usage;
  if (no_usage && query.wants_usage()) co_return Again{follower.flight->number(), "no-usage"};
  if (query.plan.stream && !follower.opening.stream) {
    co_return co_await StreamBehindJson(follower);
  }
  co_return co_await FollowHead(follower);
}

boost::asio::awaitable<Followed> FollowLate(Core core, const CacheQuery& query, Slow slow,
                                            FlightOutcome ended) {
  Follower follower{.core = std::move(core),
                    .query = query,
                    .flight = std::move(slow.flight),
                    .outcome = std::move(slow.outcome),
                    .opening = slow.opening,
                    .wanted = {query.plan.stream, query.plan.wants_usage}};
  if (!ended.status.ok()) co_return Ended(ended.status);
  if (ended.response) co_return co_await Convert(follower, std::move(ended));
  Handoff<std::optional<FlightHead>> handoff(follower.core->io);
  follower.flight->OnHead(handoff.Giver());
  const std::optional<std::optional<FlightHead>> head = co_await handoff.Wait();
  if (!head) co_return GivenUp();
  if (*head && (*head)->kind == AnswerKind::kOpaque) co_return RelayOpaque(follower, **head);
  co_return Again{follower.flight->number(), ""};
}

}  // namespace larder::client
