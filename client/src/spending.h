// What a call cost: by its usage and prices, else guessed from its time; and who is told of it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "cache_query.h"
#include "caching_core.h"
#include "dialect.h"
#include "larder/client/message.h"
#include "larder/options.h"
#include "larder/result.h"
#include "stored_response.h"

namespace larder::client {

struct Spent {
  double microusd = 0;  // not rounded
  bool priced = false;  // else it is an estimate
  std::optional<Usage> usage = {};
};

// By model and usage of the answer; an estimate where no price or no usage is known.
Spent SpentOn(const CachingCore& core, const CacheQuery& query, const StoredResponse& answer,
              Duration took);

// Tells the caller's account and the provider's counters what a call cost, once: as Count is told,
// or, when it goes away without, an estimate by the time since it was made. For an answer that is
// cut, that nobody reads or that cannot be read is paid for as well.
class SpendingMeter {
 public:
  using OnCost = std::function<void(std::uint64_t microusd)>;  // Request::on_cost

  SpendingMeter(std::shared_ptr<const CachingCore> core, OnCost on_cost);
  SpendingMeter(SpendingMeter&&) = default;
  ~SpendingMeter();

  // What came of the request: an error costs nothing, nor does a call without an answer. But one
  // that was given up may have been at work until then.
  void SeeHead(const Result<Response>& response);
  void Count(const Spent& spent);

 private:
  std::shared_ptr<const CachingCore> core_;  // null: it is counted
  OnCost on_cost_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace larder::client
