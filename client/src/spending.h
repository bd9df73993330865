// What a call cost: by its usage and prices, else guessed from its time; and who is told of it.
#pragma once

#include <optional>

#include "cache_query.h"
#include "caching_core.h"
#include "dialect.h"
#include "larder/options.h"
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

// Tells the caller's account and the provider's counters, once a call.
void CountSpent(const CachingCore& core, const CacheQuery& query, const Spent& spent);

}  // namespace larder::client
