#include "await_stored.h"

#include <optional>

#include "handoff.h"

namespace larder::client {

boost::asio::awaitable<bool> AwaitStored(std::shared_ptr<const CachingCore> core,
                                         std::shared_ptr<const ResponseFlight> flight) {
  const std::shared_ptr<std::atomic<bool>> lags = core->store_lags;
  Handoff<bool> handoff(core->io);
  flight->OnWritten([lags, give = handoff.Giver()](bool stored) {
    lags->store(false);
    give(stored);
  });
  const Duration patience = lags->load() ? Duration(0) : core->limits.store;
  const std::optional<bool> stored = co_await handoff.Wait(patience);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (!stored && !IsCancelled(state)) lags->store(true);
  co_return stored.value_or(false);
}

}  // namespace larder::client
