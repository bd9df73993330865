#include "batch_service.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "await_stored.h"
#include "batch_cassette.h"
#include "batch_composition.h"
#include "batch_fetch.h"
#include "batch_slots.h"
#include "body_pieces.h"
#include "embeddings.h"
#include "explain_miss.h"
#include "flight_follow.h"
#include "handoff.h"
#include "hit_replay.h"
#include "live_relay.h"
#include "miss_note.h"
#include "own_answers.h"
#include "stale_if_error.h"
#include "store_work.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;
using FlightPtr = std::shared_ptr<const ResponseFlight>;

// How often items may be missed again: their flight was dropped, or what is stored does not fit.
constexpr int kMaxTurns = 8;

Status GivenUp() { return {StatusCode::kCancelled, "the caller gave up"}; }

struct Acquired {
  std::vector<ResponseAcquired> slots;
  std::unique_ptr<ResponseLease> whole;
};

class BatchJourney {
 public:
  BatchJourney(Core core, CacheQuery query, std::shared_ptr<Request> request, BatchSlots made)
      : core_(std::move(core)),
        query_(std::move(query)),
        request_(std::move(request)),
        batch_(query_.plan.batch),
        slots_(std::move(made.slots)),
        positions_(std::move(made.positions)) {
    outcome_.forward = query_.directives.no_cache ? Forward::kRequest : Forward::kMiss;
    outcome_.key = ToHex(query_.key);
  }

  boost::asio::awaitable<Result<Response>> Go() {
    std::optional<Result<Response>> kept = co_await KeptWhole();
    if (kept) co_return *std::move(kept);
    if (query_.directives.explain) co_await ExplainSlots();
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      const bool acquired = co_await Acquire();
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(state)) co_return GivenUp();
      if (!acquired) break;  // the store hangs
      Explain();
      std::optional<Result<Response>> other = co_await AwaitFlights();
      if (other) {
        std::optional<Response> stale = co_await StaleInstead(*other);
        if (stale) co_return *std::move(stale);
        co_return *std::move(other);
      }
      if (!AllThere()) continue;
      std::optional<Result<Response>> composed = co_await Compose();
      if (composed) co_return *std::move(composed);
      if (pass_by_ != nullptr) co_return co_await PassUncached(core_, *request_, pass_by_);
    }
    co_return co_await PassUncached(core_, *request_, "store-unavailable");
  }

  // Reads only: neither starts nor joins a flight.
  boost::asio::awaitable<Result<Response>> OnlyIfCached() {
    ReadOptions read = query_.read;
    read.stale_window = StaleWindow::kNone;  // nobody would fetch the successor
    co_await LookUp(std::move(read));
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state)) co_return GivenUp();
    for (BatchSlot& slot : slots_) {
      if (slot.answer && !IsFreshEnough(*slot.answer)) slot.answer.reset();
    }
    if (AllThere()) {
      hits_ = slots_.size();
      std::optional<Result<Response>> composed = co_await Compose();
      if (composed) co_return *std::move(composed);
    }
    std::optional<Result<Response>> kept = co_await KeptWhole();
    if (kept) co_return *std::move(kept);
    co_return co_await Missing();
  }

 private:
  // What is there of the items that have no answer yet.
  boost::asio::awaitable<void> LookUp(ReadOptions read) {
    auto work = [core = core_, slots = slots_, read = std::move(read)] {
      return LookUpAll(*core->cache, slots, read);
    };
    auto found =
        co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
    if (found) slots_ = *std::move(found);
  }

  // What was kept as the answer to the whole batch, unless its items are there.
  boost::asio::awaitable<std::optional<Result<Response>>> KeptWhole() {
    if (!KeepsWholeBatches(*core_)) co_return std::nullopt;
    auto work = [core = core_, slots = slots_, query = query_] {
      return FindWholeFor(*core, query, slots);
    };
    auto found =
        co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state)) co_return GivenUp();
    if (!found || !*found || !IsFreshEnough(**found)) co_return std::nullopt;
    CacheOutcome outcome = HitOutcome(**found, KeyOfWhole(query_));
    CachedResponse answer = **std::move(found);
    co_return co_await Replay(core_, std::move(answer), WantedForm{}, std::move(outcome));
  }

  boost::asio::awaitable<Response> Missing() {
    if (query_.directives.explain) co_await ExplainSlots();
    Explain();
    Response missing;
    if (core_->cassette == CassetteMode::kReplay) {
      const auto nearest = co_await Nearest();
      missing = NotReplayed(*core_, nearest);
    } else {
      missing = NotCached(*core_);
    }
    missing.head.cache.explanation = outcome_.explanation;
    co_return missing;
  }

  // What is recorded that comes nearest to the first item that is missing; nullopt: the store has
  // not answered.
  boost::asio::awaitable<std::optional<Result<std::string>>> Nearest() {
    std::size_t place = 0;
    while (place + 1 < positions_.size() && slots_[positions_[place]].answer) ++place;
    const std::size_t number = positions_[place];
    auto work = [core = core_, request = request_, batch = batch_, number,
                 item = slots_[number].item] {
      return NearestItem(*core, RequestForItem(*core, *request, number), *batch, item);
    };
    auto why = co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
    if (!why || !why->ok() || positions_.size() == 1) co_return why;
    co_return "/input/" + std::to_string(place) + ": " + **why;
  }

  // Before anybody is asked for them: later it would be said that they are being computed.
  boost::asio::awaitable<void> ExplainSlots() {
    auto work = [core = core_, slots = slots_, read = query_.read] {
      return ExplainAll(*core->cache, slots, read);
    };
    auto explained =
        co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
    if (explained) slots_ = *std::move(explained);
  }

  void Explain() {
    if (!query_.directives.explain) return;
    std::vector<std::string> reasons;
    for (const std::size_t position : positions_) {
      const BatchSlot& slot = slots_[position];
      reasons.push_back(slot.answer ? "" : WhyMissed(query_.directives, outcome_.detail, slot.why));
    }
    outcome_.explanation = WhyInputsMissed(reasons);
  }

  // The stale entries of the items that the upstream has only trouble for, if all have one.
  boost::asio::awaitable<std::optional<Response>> StaleInstead(const Result<Response>& answer) {
    const std::optional<Trouble> trouble =
        answer.ok() ? TroubleOf(*answer) : TroubleOf(answer.status());
    std::optional<ReadOptions> read = StaleRead(query_);
    if (!trouble || !read) co_return std::nullopt;
    co_await LookUp(*std::move(read));
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state) || !AllThere()) co_return std::nullopt;
    hits_ = slots_.size();
    std::optional<Result<Response>> composed = co_await Compose();
    if (!composed || !composed->ok()) co_return std::nullopt;
    MarkStaleIfError(*core_, *trouble, (*composed)->head.cache);
    co_return std::move(**composed);
  }

  bool IsFreshEnough(const CachedResponse& hit) const {
    const std::optional<Duration>& min_fresh = query_.directives.min_fresh;
    return !min_fresh || !hit.ttl || *hit.ttl >= *min_fresh;
  }
  bool AllThere() const {
    return std::all_of(slots_.begin(), slots_.end(),
                       [](const BatchSlot& slot) { return slot.answer.has_value(); });
  }

  // For each item that is not there: finds it, or takes a flight for it; asks the upstream for all
  // whose leases it got, before it waits for those of others, so that no two batches wait for each
  // other. False: the store does not answer.
  boost::asio::awaitable<bool> Acquire() {
    std::vector<BatchSlot> missing;
    std::vector<std::size_t> indexes;
    std::string all;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].answer) continue;
      missing.push_back(slots_[i]);
      indexes.push_back(i);
      all += slots_[i].item;
    }
    opening_ = FlightOpening{};
    // Callers with other credentials make their own errors.
    opening_.batch = (std::hash<std::string>()(all) ^ query_.credentials) | 1;
    auto work = [core = core_, missing, query = query_, opening = opening_] {
      Acquired acquired;
      acquired.slots = AcquireAll(*core->cache, missing, query.read, opening);
      if (KeepsWholeBatches(*core)) acquired.whole = AcquireWhole(*core, query);
      return acquired;
    };
    auto acquired =
        co_await RunOnStore(core_->io, core_->store, std::move(work), core_->limits.lookup);
    if (!acquired) co_return false;
    BatchFetch fetch;
    BatchFetch refresh;
    own_.clear();
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      Sort(indexes[i], acquired->slots[i], fetch, refresh);
    }
    fetch.whole = std::move(acquired->whole);
    if (!fetch.leases.empty()) Start(std::move(fetch));
    if (!refresh.leases.empty()) Refresh(std::move(refresh));
    co_return true;
  }

  void Add(const BatchSlot& slot, std::unique_ptr<ResponseLease> lease, BatchFetch& fetch) const {
    fetch.items.emplace_back(slot.item);
    fetch.numbers.push_back(static_cast<std::size_t>(&slot - slots_.data()));
    fetch.leases.push_back(std::move(lease));
  }

  void Sort(std::size_t index, ResponseAcquired& acquired, BatchFetch& fetch, BatchFetch& refresh) {
    BatchSlot& slot = slots_[index];
    slot.flight = nullptr;
    if (auto* stale = std::get_if<StaleResponse>(&acquired)) {
      std::unique_ptr<ResponseLease> lease = std::move(stale->lease);
      if (IsFreshEnough(stale->hit)) {
        Add(slot, std::move(lease), refresh);
        acquired = ResponseAcquired(CachedResponse(std::move(stale->hit)));
      } else {
        acquired = std::move(lease);
      }
    }
    if (auto* hit = std::get_if<CachedResponse>(&acquired)) {
      if (!IsFreshEnough(*hit)) {
        slot.newer_than = hit->number;
        return;
      }
      slot.answer = std::move(*hit);
      slot.is_hit = true;
      ++hits_;
    } else if (auto* lease = std::get_if<std::unique_ptr<ResponseLease>>(&acquired)) {
      slot.flight = (*lease)->Follow();
      slot.asked_for = true;
      own_.push_back(index);
      Add(slot, std::move(*lease), fetch);
    } else {
      slot.flight = std::get<FlightPtr>(std::move(acquired));
    }
  }

  void Start(BatchFetch fetch) {
    as_received_ = own_.size() == positions_.size();
    NoteFirstMiss(fetch);
    StartFor(std::move(fetch), as_received_);
    fetched_ = true;
  }

  // One miss a batch: what all of its items differ in from others, the first does.
  void NoteFirstMiss(const BatchFetch& fetch) const {
    const BatchSlot& slot = slots_[fetch.numbers.front()];
    Request alone = RequestForItem(*core_, *request_, fetch.numbers.front());
    alone.body = batch_->KeyBodyOf(slot.item);
    NoteMiss(core_, alone, slot.key, slot.flight->reason());
  }

  // The successors of stale items, for those who come later.
  void Refresh(BatchFetch fetch) { StartFor(std::move(fetch), /*as_received=*/false); }

  void StartFor(BatchFetch fetch, bool as_received) {
    Request request = *request_;
    request.headers.Set("accept-encoding", "identity");  // what is stored is read by us
    request.repeatable = true;
    if (!as_received) request.body = batch_->RequestFor({fetch.items.begin(), fetch.items.end()});
    fetch.core = core_;
    fetch.query = query_;
    fetch.caller = request_;
    StartBatchFetch(std::move(fetch), std::move(request));
  }

  // Each item's answer; or an answer to the whole request, where it is another one.
  boost::asio::awaitable<std::optional<Result<Response>>> AwaitFlights() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      BatchSlot& slot = slots_[i];
      if (slot.answer || slot.flight == nullptr) continue;
      Handoff<FlightOutcome> end(core_->io);
      slot.flight->OnEnd(end.Giver());
      std::optional<FlightOutcome> outcome = co_await end.Wait();
      if (!outcome) co_return GivenUp();
      if (outcome->status.code() == StatusCode::kCancelled) continue;  // dropped: acquire again
      if (!outcome->status.ok()) co_return outcome->status;
      const bool own = std::find(own_.begin(), own_.end(), i) != own_.end();
      if (own && as_received_) co_return co_await RelayWhole(slot.flight, true);
      if (outcome->response) {
        slot.answer = std::move(outcome->response);
        continue;
      }
      bool same = own;
      if (!own) same = co_await IsSameBatch(slot.flight);
      if (!same) {
        slot.newer_than = slot.flight->number();  // an error of another batch may not be ours
        continue;
      }
      const bool whole = co_await IsAskedForByAnother();
      if (whole) co_return co_await RelayWhole(slot.flight, own);
      co_return co_await RelayError(slot.flight, own);
    }
    co_return std::nullopt;
  }

  boost::asio::awaitable<bool> IsSameBatch(FlightPtr flight) {
    Handoff<std::optional<FlightOpening>> handoff(core_->io);
    flight->OnOpening(handoff.Giver());
    const std::optional<std::optional<FlightOpening>> opening = co_await handoff.Wait();
    co_return opening&&* opening && (*opening)->batch == opening_.batch;
  }

  // Whether another caller's fetch is for the very request that this one makes: all its items, each
  // once, wait for it.
  boost::asio::awaitable<bool> IsAskedForByAnother() {
    if (!own_.empty() || slots_.size() != positions_.size()) co_return false;
    for (const BatchSlot& slot : slots_) {
      if (slot.answer || slot.flight == nullptr) co_return false;
      const bool same = co_await IsSameBatch(slot.flight);
      if (!same) co_return false;
    }
    co_return true;
  }

  // The upstream's answer to a part of the batch, if it is an error; an answer that is none of
  // these items is no use: the request goes past the cache.
  boost::asio::awaitable<Result<Response>> RelayError(FlightPtr flight, bool own) {
    constexpr int kFirstError = 400;
    Handoff<std::optional<FlightHead>> handoff(core_->io);
    flight->OnHead(handoff.Giver());
    const std::optional<std::optional<FlightHead>> head = co_await handoff.Wait();
    if (!head) co_return GivenUp();
    if (*head && (*head)->status >= kFirstError) co_return co_await RelayWhole(flight, own);
    co_return co_await PassUncached(core_, *request_, "invalid-answer");
  }

  boost::asio::awaitable<Result<Response>> RelayWhole(FlightPtr flight, bool own) {
    Handoff<std::optional<FlightHead>> handoff(core_->io);
    flight->OnHead(handoff.Giver());
    const std::optional<std::optional<FlightHead>> head = co_await handoff.Wait();
    if (!head) co_return GivenUp();
    if (!*head) co_return Status(StatusCode::kUnavailable, "the fetch was given up");
    if (outcome_.forward == Forward::kMiss && outcome_.detail.empty())
      outcome_.forward = ForwardOf(flight->reason());
    outcome_.collapsed = !own;
    if (own) outcome_.stored = co_await AwaitAllStored();
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state)) co_return GivenUp();
    Response response;
    response.head.status = (*head)->status;
    response.head.headers = (*head)->headers;
    if (!own) response.head.headers.Remove("set-cookie");
    response.head.cache = outcome_;
    response.body = std::make_unique<LiveRelay>(core_, flight, /*without_usage=*/nullptr);
    co_return response;
  }

  // They are stored in order.
  boost::asio::awaitable<bool> AwaitAllStored() {
    bool stored = !own_.empty();
    for (const std::size_t index : own_) {
      if (!stored) break;
      FlightPtr flight = slots_[index].flight;
      stored = co_await AwaitStored(core_, std::move(flight));
    }
    co_return stored;
  }

  // nullopt: some of what is there does not fit and is missed now, or `pass_by_` says more.
  boost::asio::awaitable<std::optional<Result<Response>>> Compose() {
    std::optional<BatchComposition> composed =
        co_await ComposeBatch(core_, batch_, slots_, positions_);
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state) || !composed) co_return GivenUp();
    if (!composed->body) {
      if (composed->unfit.empty()) pass_by_ = "store-unavailable";
      for (const std::size_t index : composed->unfit) Miss(slots_[index]);
      if (!composed->unfit.empty()) outcome_.detail = "other-encoding";
      co_return std::nullopt;
    }
    co_await Judge();
    co_return MakeResponse(*std::move(composed->body));
  }

  // What `slot` has for an answer is of no use.
  void Miss(BatchSlot& slot) {
    if (!slot.answer) return;  // an item that occurs twice
    slot.newer_than = slot.answer->number;
    slot.answer.reset();
    if (std::exchange(slot.is_hit, false)) --hits_;
    // Another answer to the same question would be as useless.
    if (slot.asked_for) pass_by_ = "invalid-answer";
  }

  // What the cache did, in all.
  boost::asio::awaitable<void> Judge() {
    if (hits_ == slots_.size()) {
      outcome_ = SumOfHits(*core_, query_, slots_);
      co_return;
    }
    if (hits_ > 0) outcome_.forward = Forward::kPartial;
    outcome_.collapsed = !fetched_;
    if (fetched_) outcome_.stored = co_await AwaitAllStored();
  }

  Response MakeResponse(std::string body) {
    Response response;
    response.head.status = 200;
    response.head.headers = slots_.front().answer->info.headers;
    response.head.headers.Set("content-length", std::to_string(body.size()));
    response.head.cache = std::move(outcome_);
    std::vector<SharedBytes> pieces;
    pieces.emplace_back(std::move(body));
    response.body = std::make_unique<BodyPieces>(std::move(pieces));
    return response;
  }

  const Core core_;
  CacheQuery query_;
  const std::shared_ptr<Request> request_;
  const std::shared_ptr<const EmbeddingsBatch> batch_;
  std::vector<BatchSlot> slots_;
  const std::vector<std::size_t> positions_;
  std::vector<std::size_t> own_;  // slots whose leases were got in this turn
  FlightOpening opening_;
  CacheOutcome outcome_;
  std::size_t hits_ = 0;
  bool as_received_ = false;  // the upstream was sent the caller's own request
  bool fetched_ = false;
  const char* pass_by_ = nullptr;  // why the cache is of no use to this request
};

}  // namespace

boost::asio::awaitable<Result<Response>> AnswerBatch(Core core, CacheQuery query,
                                                     std::shared_ptr<Request> request) {
  const bool only_if_cached =
      request->directives.only_if_cached || core->cassette == CassetteMode::kReplay;
  std::optional<BatchSlots> made = co_await MakeSlots(core, request, query.plan.batch);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return GivenUp();
  if (!made && only_if_cached) co_return NotCached(*core);
  if (!made) co_return co_await PassUncached(core, *request, "store-unavailable");
  BatchJourney journey(std::move(core), std::move(query), std::move(request), *std::move(made));
  if (only_if_cached) co_return co_await journey.OnlyIfCached();
  co_return co_await journey.Go();
}

}  // namespace larder::client
