// MakeStack: the client of one provider, fallback( caching( limiting( retrying( authenticating(
// http ))))), from configuration in one call.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string_view>

#include "larder/cache.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/asio/store_threads.h"
#include "larder/client/call_limits.h"
#include "larder/client/cassette.h"
#include "larder/client/config.h"
#include "larder/client/credential_board.h"
#include "larder/client/flight_memory.h"
#include "larder/client/health_board.h"
#include "larder/client/on_abort.h"
#include "larder/client/recent_misses.h"
#include "larder/client/refusals.h"
#include "larder/result.h"

namespace larder::client {

struct StackParts {
  boost::asio::io_context& io;  // the stack runs here; one thread runs it
  // Runs what takes long (hashing large bodies) or waits for others (credentials); any number of
  // stacks share it. Must be joined before `cache` is destroyed.
  boost::asio::thread_pool& pool;
  // Shared by all stacks; null = nothing is cached.
  Cache* cache = nullptr;
  // Wait for the store, for all stacks that share them; theirs are to be joined like `pool`. Null =
  // `pool` does: then a disk that hangs can hold up what takes long, too.
  std::shared_ptr<StoreThreads> store = nullptr;
  // Shared by the stacks of a process; null = this stack's own.
  std::shared_ptr<HealthBoard> health = nullptr;
  // Counts what is kept from the cache, for all stacks that share it; null = for this one alone.
  std::shared_ptr<Refusals> refusals = nullptr;
  // What its answers take together while they are fetched and read; null = this stack's own, of the
  // usual size.
  std::shared_ptr<FlightMemory> flight_memory = nullptr;
  // Is told of the misses of all stacks that share it, of embeddings excepted; null = nobody is.
  std::shared_ptr<RecentMisses> recent_misses = nullptr;
  // Shared by the stacks of a process; null = this stack's own.
  std::shared_ptr<CredentialBoard> credentials = nullptr;
  // Shared by the stacks of a process; null = any number of calls at a time.
  std::shared_ptr<CallLimits> call_limits = nullptr;
  CassetteMode cassette = CassetteMode::kNone;
  // Callers invalidate by ScopedTag(): what they store under a tag carries that, too.
  bool scoped_tags = false;
  // Batches of embeddings, and fetches that renew what was served stale, finish in any case.
  OnAbort on_abort = OnAbort::kFinish;
};

// The parts must outlive the service; requests that nobody waits for any more still finish on
// `io` (the flight's followers and the store want their answers).
// Errors: kInvalidArgument (no such provider or dialect, bad base URL, a fallback that does not
// exist or speaks another dialect).
Result<std::unique_ptr<HttpService>> MakeStack(const StackParts& parts, const ClientConfig& config,
                                               std::string_view provider);

// Connections that carried a credential of our own are closed a few seconds after their last use;
// the timer for that keeps `io` from running out of work. This stops it: before `io` is to end once
// all its work is done. On its thread.
void StopIdleTimer(boost::asio::io_context& io);

}  // namespace larder::client
