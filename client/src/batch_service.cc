#include "batch_service.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "await_stored.h"
#include "batch_fetch.h"
#include "body_pieces.h"
#include "cost.h"
#include "embeddings.h"
#include "flight_follow.h"
#include "handoff.h"
#include "hit_replay.h"
#include "larder/client/explain_key.h"
#include "live_relay.h"
#include "own_answers.h"
#include "stale_if_error.h"

namespace larder::client {
namespace {

using Core = std::shared_ptr<const CachingCore>;
using FlightPtr = std::shared_ptr<const ResponseFlight>;

// How often items may be missed again: their flight was dropped, or what is stored does not fit.
constexpr int kMaxTurns = 8;

Status GivenUp() { return {StatusCode::kCancelled, "the caller gave up"}; }

// One of the different items of the batch.
struct Slot {
  std::string_view item;
  RequestKey key{};
  std::uint64_t newer_than = 0;
  std::optional<CachedResponse> answer;
  bool is_hit = false;  // the answer was there
  FlightPtr flight;

  std::string_view key_bytes() const {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
  }
};

std::vector<ResponseAcquired> AcquireAll(ResponseCache& cache, const std::vector<Slot>& slots,
                                         ReadOptions read, const FlightOpening& opening) {
  std::vector<ResponseAcquired> acquired;
  const std::uint64_t newer_than = read.newer_than;
  for (const Slot& slot : slots) {
    read.newer_than = std::max(newer_than, slot.newer_than);
    acquired.push_back(cache.Acquire(slot.key_bytes(), read, opening));
  }
  return acquired;
}

// What is composed, on the pool where it is much.
struct Composition {
  std::shared_ptr<const EmbeddingsBatch> batch;
  std::vector<SharedBytes> answers;  // one a position
  std::size_t unfit = 0;
  std::optional<std::string> body;

  void Run() {
    std::vector<std::string_view> views;
    for (const SharedBytes& answer : answers) views.push_back(answer.view());
    body = ComposeBatchAnswer(*batch, views, unfit);
  }
};

class BatchJourney {
 public:
  BatchJourney(Core core, CacheQuery query, std::shared_ptr<Request> request)
      : core_(std::move(core)),
        query_(std::move(query)),
        request_(std::move(request)),
        batch_(query_.plan.batch) {
    outcome_.forward = query_.directives.no_cache ? Forward::kRequest : Forward::kMiss;
    outcome_.key = ToHex(query_.key);
    MakeSlots();
  }

  boost::asio::awaitable<Result<Response>> Go() {
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      const bool acquired = co_await Acquire();
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(state)) co_return GivenUp();
      if (!acquired) break;  // the store hangs
      std::optional<Result<Response>> other = co_await AwaitFlights();
      if (other) {
        std::optional<Response> stale = co_await StaleInstead(*other);
        if (stale) co_return *std::move(stale);
        co_return *std::move(other);
      }
      if (!AllThere()) continue;
      std::optional<Result<Response>> composed = co_await Compose();
      if (composed) co_return *std::move(composed);
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
    if (!AllThere()) co_return NotCached(*core_);
    for (const Slot& slot : slots_) {
      if (!IsFreshEnough(*slot.answer)) co_return NotCached(*core_);
    }
    hits_ = slots_.size();
    std::optional<Result<Response>> composed = co_await Compose();
    if (composed) co_return *std::move(composed);
    co_return NotCached(*core_);
  }

 private:
  // What is there of the items that have no answer yet.
  boost::asio::awaitable<void> LookUp(ReadOptions read) {
    auto work = [core = core_, slots = slots_, read = std::move(read)]() mutable {
      for (Slot& slot : slots) {
        if (!slot.answer) slot.answer = core->cache->Get(slot.key_bytes(), read);
      }
      return slots;
    };
    auto found = co_await RunOnPool(core_->io, core_->pool, std::move(work), core_->limits.lookup);
    if (found) slots_ = *std::move(found);
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

  void MakeSlots() {
    const std::string scope = ScopeOf(*core_, *request_);
    Request alone;
    alone.target = request_->target;
    alone.headers = request_->headers;
    alone.directives = request_->directives;
    std::map<std::string_view, std::size_t> known;
    for (const std::string& item : batch_->items) {
      const auto [place, is_new] = known.emplace(item, slots_.size());
      positions_.push_back(place->second);
      if (!is_new) continue;
      Slot slot;
      slot.item = item;
      // It stands in for the whole body: items are told apart by their place in it.
      const std::optional<std::string>& replaced = request_->directives.key;
      if (replaced) alone.directives.key = *replaced + "#" + std::to_string(slots_.size());
      slot.key = KeyOfRequest(alone, core_->provider, batch_->KeyBodyOf(item), scope);
      slots_.push_back(std::move(slot));
    }
  }

  bool IsFreshEnough(const CachedResponse& hit) const {
    const std::optional<Duration>& min_fresh = query_.directives.min_fresh;
    return !min_fresh || !hit.ttl || *hit.ttl >= *min_fresh;
  }
  bool AllThere() const {
    return std::all_of(slots_.begin(), slots_.end(),
                       [](const Slot& slot) { return slot.answer.has_value(); });
  }

  // For each item that is not there: finds it, or takes a flight for it; asks the upstream for all
  // whose leases it got, before it waits for those of others, so that no two batches wait for each
  // other. False: the store does not answer.
  boost::asio::awaitable<bool> Acquire() {
    std::vector<Slot> missing;
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
    auto work = [core = core_, missing, read = query_.read, opening = opening_] {
      return AcquireAll(*core->cache, missing, read, opening);
    };
    auto acquired =
        co_await RunOnPool(core_->io, core_->pool, std::move(work), core_->limits.lookup);
    if (!acquired) co_return false;
    asks_for_all_ = indexes.size() == positions_.size();
    BatchFetch fetch;
    BatchFetch refresh;
    own_.clear();
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      Sort(indexes[i], (*acquired)[i], fetch, refresh);
    }
    if (!fetch.leases.empty()) Start(std::move(fetch));
    if (!refresh.leases.empty()) Refresh(std::move(refresh));
    co_return true;
  }

  static void Add(const Slot& slot, std::unique_ptr<ResponseLease> lease, BatchFetch& fetch) {
    fetch.items.emplace_back(slot.item);
    fetch.leases.push_back(std::move(lease));
  }

  void Sort(std::size_t index, ResponseAcquired& acquired, BatchFetch& fetch, BatchFetch& refresh) {
    Slot& slot = slots_[index];
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
      own_.push_back(index);
      Add(slot, std::move(*lease), fetch);
    } else {
      slot.flight = std::get<FlightPtr>(std::move(acquired));
    }
  }

  void Start(BatchFetch fetch) {
    as_received_ = own_.size() == positions_.size();
    StartFor(std::move(fetch), as_received_);
    fetched_ = true;
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
    StartBatchFetch(std::move(fetch), std::move(request));
  }

  // Each item's answer; or an answer to the whole request, where it is another one.
  boost::asio::awaitable<std::optional<Result<Response>>> AwaitFlights() {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      Slot& slot = slots_[i];
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
      if (asks_for_all_) co_return co_await RelayWhole(slot.flight, own);
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

  // nullopt: something stored does not fit and is missed now.
  boost::asio::awaitable<std::optional<Result<Response>>> Compose() {
    auto composition = std::make_shared<Composition>();
    composition->batch = batch_;
    std::size_t size = 0;
    for (const std::size_t position : positions_) {
      composition->answers.push_back(slots_[position].answer->body);
      size += composition->answers.back().size();
    }
    if (size <= core_->limits.inline_bytes) {
      composition->Run();
    } else {
      auto work = [composition] {
        composition->Run();
        return true;
      };
      const std::optional<bool> done =
          co_await RunOnPool(core_->io, core_->pool, std::move(work), core_->limits.lookup);
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (IsCancelled(state)) co_return GivenUp();
      if (!done) co_return Status(StatusCode::kUnavailable, "the batch could not be put together");
    }
    if (!composition->body) {
      Slot& slot = slots_[positions_[composition->unfit]];
      slot.newer_than = slot.answer->number;
      slot.answer.reset();
      if (std::exchange(slot.is_hit, false)) --hits_;
      outcome_.detail = "other-encoding";
      co_return std::nullopt;
    }
    co_await Judge();
    co_return MakeResponse(*std::move(composition->body));
  }

  // What the cache did, in all.
  boost::asio::awaitable<void> Judge() {
    if (hits_ == slots_.size()) {
      outcome_ = SumOfHits();
      co_return;
    }
    if (hits_ > 0) outcome_.forward = Forward::kPartial;
    outcome_.collapsed = !fetched_;
    if (fetched_) outcome_.stored = co_await AwaitAllStored();
  }

  CacheOutcome SumOfHits() const {
    CacheOutcome sum = HitOutcome(*slots_.front().answer, query_.key);
    if (IsBeingRevalidated(*slots_.front().answer, query_.read))
      sum.detail = "stale-while-revalidate";
    for (std::size_t i = 1; i < slots_.size(); ++i) {
      const CacheOutcome one = HitOutcome(*slots_[i].answer, query_.key);
      if (IsBeingRevalidated(*slots_[i].answer, query_.read)) sum.detail = "stale-while-revalidate";
      if (one.ttl) sum.ttl = sum.ttl ? std::min(*sum.ttl, *one.ttl) : one.ttl;
      sum.age = std::max(sum.age, one.age);
      sum.saved_time = std::max(sum.saved_time, one.saved_time);  // they came together
      sum.saved_input_tokens += one.saved_input_tokens;
      sum.saved_output_tokens += one.saved_output_tokens;
    }
    sum.saved_microusd = SavedMicrousd();
    return sum;
  }

  // By their usage together: most items cost less than the 1 that each is stored with.
  std::optional<std::uint64_t> SavedMicrousd() const {
    Usage usage;
    for (const Slot& slot : slots_) {
      const StoredResponse& info = slot.answer->info;
      if (!info.priced || !info.usage) return std::nullopt;
      usage += *info.usage;
    }
    const std::string& model = slots_.front().answer->info.model;
    const std::optional<ModelPrice> price =
        FindPrice(core_->prices, {core_->provider.base_url, model, query_.plan.model});
    if (!price) return std::nullopt;
    return CostMicrousd(usage, *price);
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
  std::vector<Slot> slots_;             // the different items
  std::vector<std::size_t> positions_;  // item of the request -> slot
  std::vector<std::size_t> own_;        // slots whose leases were got in this turn
  FlightOpening opening_;
  CacheOutcome outcome_;
  std::size_t hits_ = 0;
  bool asks_for_all_ = false;  // what is missing in this turn is the caller's own request
  bool as_received_ = false;   // the upstream was sent the caller's own request
  bool fetched_ = false;
};

}  // namespace

boost::asio::awaitable<Result<Response>> AnswerBatch(Core core, CacheQuery query,
                                                     std::shared_ptr<Request> request) {
  const bool only_if_cached =
      request->directives.only_if_cached || core->cassette == CassetteMode::kReplay;
  BatchJourney journey(std::move(core), std::move(query), std::move(request));
  if (only_if_cached) co_return co_await journey.OnlyIfCached();
  co_return co_await journey.Go();
}

}  // namespace larder::client
