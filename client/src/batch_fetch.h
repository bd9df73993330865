// One upstream request for the items of a batch that are not there, and what becomes of its answer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cache_query.h"
#include "caching_core.h"
#include "larder/client/message.h"
#include "response_cache.h"

namespace larder::client {

struct BatchFetch {
  std::shared_ptr<const CachingCore> core;
  CacheQuery query;
  std::vector<std::string> items;                      // that `request` asks for
  std::vector<std::unique_ptr<ResponseLease>> leases;  // one an item
  // What the caller asked for, and each item's number among the different ones of that.
  std::shared_ptr<const Request> caller;
  std::vector<std::size_t> numbers;
  std::unique_ptr<ResponseLease> whole;  // of the batch as such; null: that is not kept
};

// Runs as a task of its own. Each lease ends with the answer to its item alone. The first one's
// flight also gets the upstream's answer as it is; if it is no answer to the items, all of them do,
// and nothing is stored but what batch_cassette.h keeps.
void StartBatchFetch(BatchFetch fetch, Request request);

}  // namespace larder::client
