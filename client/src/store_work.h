// StoreWork: looks into the store on the threads that may wait for it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "handoff.h"
#include "larder/client/asio/store_threads.h"
#include "larder/clock.h"

namespace larder::client {

// What `work` returns. nullopt: the caller was cancelled, or the store has not answered within
// `timeout`; at once, while it does not answer others either (StoreThreads::MayBegin). The work
// goes on, and must own all that it uses.
template <typename Work>
boost::asio::awaitable<std::optional<std::invoke_result_t<Work>>> RunOnStore(
    boost::asio::io_context& io, const std::shared_ptr<StoreThreads>& threads, Work work,
    Duration timeout) {
  struct Running {
    explicit Running(std::shared_ptr<StoreThreads> where) : threads(std::move(where)) {}
    ~Running() { threads->NoteEnd(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    const std::shared_ptr<StoreThreads> threads;
  };
  if (!threads->MayBegin()) co_return std::nullopt;
  auto noted = [threads, work = std::move(work)]() mutable {
    const Running running(threads);
    return work();
  };
  const std::uint64_t begun = threads->NoteBegin();
  auto result = co_await RunOnPool(io, threads->pool(), std::move(noted), timeout);
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (!result && !IsCancelled(state)) threads->NoteTimeout(begun);
  co_return result;
}

}  // namespace larder::client
