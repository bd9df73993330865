// BatchSlot: one of the different items of a batch of embeddings, and what is found of them in the
// cache.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/cache_status.h"
#include "larder/client/message.h"
#include "larder/client/request_key.h"
#include "response_cache.h"

namespace larder::client {

struct BatchSlot {
  std::string_view item;
  RequestKey key{};
  std::uint64_t newer_than = 0;
  std::optional<CachedResponse> answer;
  bool is_hit = false;     // the answer was there
  bool asked_for = false;  // of the upstream, by this very request
  std::shared_ptr<const ResponseFlight> flight;
  std::string why;  // it is missing; only where that was asked

  std::string_view key_bytes() const {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
  }
};

struct BatchSlots {
  std::vector<BatchSlot> slots;        // the different items
  std::vector<std::size_t> positions;  // item of the request -> slot
};

// Those of `batch`, which must outlive them. A body is hashed for each: on the pool, where that is
// much. nullopt: cancelled, without memory, or the pool is stuck.
boost::asio::awaitable<std::optional<BatchSlots>> MakeSlots(
    std::shared_ptr<const CachingCore> core, std::shared_ptr<Request> request,
    std::shared_ptr<const EmbeddingsBatch> batch);

// The next four may block on the store.
std::vector<ResponseAcquired> AcquireAll(ResponseCache& cache, const std::vector<BatchSlot>& slots,
                                         ReadOptions read, const FlightOpening& opening);
// What is there of those that have no answer yet.
std::vector<BatchSlot> LookUpAll(ResponseCache& cache, std::vector<BatchSlot> slots,
                                 const ReadOptions& read);
std::vector<BatchSlot> ExplainAll(ResponseCache& cache, std::vector<BatchSlot> slots,
                                  const ReadOptions& read);
// What was kept as the answer to the whole batch, unless its items are there.
std::optional<CachedResponse> FindWholeFor(const CachingCore& core, const CacheQuery& query,
                                           const std::vector<BatchSlot>& slots);

// What hits on all of them are together.
CacheOutcome SumOfHits(const CachingCore& core, const CacheQuery& query,
                       const std::vector<BatchSlot>& slots);

}  // namespace larder::client
