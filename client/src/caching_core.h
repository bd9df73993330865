// CachingCore: what the parts of the caching decorator share.
//
// Owned jointly by the decorator and by the fetches under way, which finish though the decorator,
// or all who waited, may be gone.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "cost.h"
#include "dialect.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/asio/store_threads.h"
#include "larder/client/cassette.h"
#include "larder/client/config.h"
#include "larder/client/flight_memory.h"
#include "larder/client/on_abort.h"
#include "larder/client/recent_misses.h"
#include "larder/client/refusals.h"
#include "provider_health.h"
#include "response_cache.h"

namespace larder::client {

struct CachingLimits {
  // Larger ones are hashed and parsed on the pool.
  std::size_t inline_bytes = std::size_t{64} << 10;
  // Larger ones are converted to the other form on the pool; that costs about 50 times a parse.
  std::size_t convert_inline_bytes = std::size_t{4} << 10;
  // A larger answer is relayed, but not kept for storing.
  std::size_t max_body_bytes = std::size_t{64} << 20;
  // Of one that passes by the cache more is not kept to tell what it cost: that is guessed then.
  std::size_t metered_bytes = std::size_t{1} << 20;
  // Of each flight so much counts not, as connections bound how many there are.
  std::uint64_t uncounted_bytes = std::uint64_t{64} << 10;
  // A yet larger one fails its flight, which keeps what it has for those who come late.
  std::uint64_t max_flight_bytes = std::uint64_t{128} << 20;
  // A store that has not answered by then is passed by, and so it is by those who come after,
  // until it answers.
  Duration lookup = std::chrono::seconds(2);
  // The end of an answer is held back no longer than this until the store has it.
  Duration store = std::chrono::milliseconds(500);
  // A stream caller behind a JSON flight waits that long for a plain answer, errors included; then
  // its stream begins, with a comment line every so often.
  Duration silence = std::chrono::seconds(3);
  Duration between_comments = std::chrono::seconds(10);
};

struct CachingCore {
  boost::asio::io_context& io;
  boost::asio::thread_pool& pool;       // computes
  std::shared_ptr<StoreThreads> store;  // wait for the store
  std::shared_ptr<HttpService> upstream;
  std::unique_ptr<ResponseCache> cache;  // null = nothing is cached
  const Dialect& dialect;
  ProviderConfig provider;
  std::map<std::string, Price> prices;
  CachingLimits limits;
  Policy policy = {};
  // Shortens the lifetimes that the policy says, by up to this share.
  double ttl_jitter = 0;
  Duration negative_ttl{0};  // lifetime of errors that rarely change
  // What becomes of a fetch that all callers have left.
  OnAbort on_abort = OnAbort::kFinish;
  std::shared_ptr<ProviderHealth> health = nullptr;  // counts, where there is one
  std::shared_ptr<Refusals> refusals = std::make_shared<Refusals>();
  std::shared_ptr<FlightMemory> flight_memory = FlightMemory::Make();
  std::shared_ptr<RecentMisses> recent_misses = nullptr;  // told of misses, where there is one
  CassetteMode cassette = CassetteMode::kNone;
  bool scoped_tags = false;  // StackParts::scoped_tags
  // A wait for the store timed out, and no write has come back since.
  std::shared_ptr<std::atomic<bool>> store_lags = std::make_shared<std::atomic<bool>>(false);
  // What parts of a micro-USD the calls so far have left over.
  std::shared_ptr<CostCarry> cost_carry = std::make_shared<CostCarry>();
};

}  // namespace larder::client
