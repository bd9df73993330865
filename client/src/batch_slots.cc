#include "batch_slots.h"

#include <algorithm>
#include <map>
#include <utility>

#include "batch_cassette.h"
#include "cost.h"
#include "embeddings.h"
#include "handoff.h"
#include "hit_replay.h"

namespace larder::client {
namespace {

// By their usage together: most items cost less than the 1 that each is stored with.
std::optional<std::uint64_t> SavedMicrousd(const CachingCore& core, const CacheQuery& query,
                                           const std::vector<BatchSlot>& slots) {
  Usage usage;
  for (const BatchSlot& slot : slots) {
    const StoredResponse& info = slot.answer->info;
    if (!info.priced || !info.usage) return std::nullopt;
    usage += *info.usage;
  }
  const std::string& model = slots.front().answer->info.model;
  const std::optional<ModelPrice> price =
      FindPrice(core.prices, {core.provider.base_url, model, query.plan.model});
  if (!price) return std::nullopt;
  return CostMicrousd(usage, *price);
}

BatchSlots HashAll(const CachingCore& core, const Request& request, const EmbeddingsBatch& batch) {
  BatchSlots made;
  const ItemKeys keys(core, request, batch);
  std::map<std::string_view, std::size_t> known;
  for (const std::string& item : batch.items) {
    const auto [place, is_new] = known.emplace(item, made.slots.size());
    made.positions.push_back(place->second);
    if (!is_new) continue;
    BatchSlot slot;
    slot.item = item;
    slot.key = keys.Of(item, made.slots.size());
    made.slots.push_back(std::move(slot));
  }
  return made;
}

}  // namespace

boost::asio::awaitable<std::optional<BatchSlots>> MakeSlots(
    std::shared_ptr<const CachingCore> core, std::shared_ptr<Request> request,
    std::shared_ptr<const EmbeddingsBatch> batch) {
  const std::uint64_t hashed = request->body.size() + batch->RepeatedBytes();
  if (hashed <= core->limits.inline_bytes) co_return HashAll(*core, *request, *batch);
  auto work = [core, request, batch] { return HashAll(*core, *request, *batch); };
  co_return co_await RunOnPool(core->io, core->pool, std::move(work), core->limits.lookup);
}

std::vector<ResponseAcquired> AcquireAll(ResponseCache& cache, const std::vector<BatchSlot>& slots,
                                         ReadOptions read, const FlightOpening& opening) {
  std::vector<ResponseAcquired> acquired;
  const std::uint64_t newer_than = read.newer_than;
  for (const BatchSlot& slot : slots) {
    read.newer_than = std::max(newer_than, slot.newer_than);
    acquired.push_back(cache.Acquire(slot.key_bytes(), read, opening));
  }
  return acquired;
}

std::vector<BatchSlot> LookUpAll(ResponseCache& cache, std::vector<BatchSlot> slots,
                                 const ReadOptions& read) {
  for (BatchSlot& slot : slots) {
    if (!slot.answer) slot.answer = cache.Get(slot.key_bytes(), read);
  }
  return slots;
}

std::vector<BatchSlot> ExplainAll(ResponseCache& cache, std::vector<BatchSlot> slots,
                                  const ReadOptions& read) {
  for (BatchSlot& slot : slots) slot.why = cache.Explain(slot.key_bytes(), read);
  return slots;
}

std::optional<CachedResponse> FindWholeFor(const CachingCore& core, const CacheQuery& query,
                                           const std::vector<BatchSlot>& slots) {
  std::optional<CachedResponse> whole = FindWhole(core, query);
  if (!whole) return std::nullopt;
  const bool all_there = std::all_of(slots.begin(), slots.end(), [&](const BatchSlot& slot) {
    return core.cache->Get(slot.key_bytes(), query.read).has_value();
  });
  if (all_there) return std::nullopt;
  return whole;
}

CacheOutcome SumOfHits(const CachingCore& core, const CacheQuery& query,
                       const std::vector<BatchSlot>& slots) {
  CacheOutcome sum = HitOutcome(*slots.front().answer, query.key);
  if (IsBeingRevalidated(*slots.front().answer, query.read)) sum.detail = "stale-while-revalidate";
  for (std::size_t i = 1; i < slots.size(); ++i) {
    const CacheOutcome one = HitOutcome(*slots[i].answer, query.key);
    if (IsBeingRevalidated(*slots[i].answer, query.read)) sum.detail = "stale-while-revalidate";
    if (one.ttl) sum.ttl = sum.ttl ? std::min(*sum.ttl, *one.ttl) : one.ttl;
    sum.age = std::max(sum.age, one.age);
    sum.saved_time = std::max(sum.saved_time, one.saved_time);  // they came together
    sum.saved_input_tokens += one.saved_input_tokens;
    sum.saved_output_tokens += one.saved_output_tokens;
  }
  sum.saved_microusd = SavedMicrousd(core, query, slots);
  return sum;
}

}  // namespace larder::client
