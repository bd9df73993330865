// PoolWork: work that may block (a file, the vault, a program) and gives a Result or a Status.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "handoff.h"
#include "larder/clock.h"
#include "larder/status.h"

namespace larder::client {

// For what shall come by itself: nothing that is stuck may keep a caller for ever.
inline constexpr Duration kLongestWait = std::chrono::minutes(1);

// Why a Handoff had nothing: the caller was cancelled, or the time was over.
inline boost::asio::awaitable<Status> WhyNothingCame() {
  const auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return Status(StatusCode::kCancelled, "the caller gave up");
  co_return Status(StatusCode::kDeadlineExceeded, "the credential was not there in time");
}

// What `work` returns. It must own all that it uses: it goes on after `limit`.
// Errors besides its own: kDeadlineExceeded, kCancelled.
template <typename Work>
boost::asio::awaitable<std::invoke_result_t<Work>> RunWithin(boost::asio::io_context& io,
                                                             boost::asio::thread_pool& pool,
                                                             Work work,
                                                             Duration limit = kLongestWait) {
  auto result = co_await RunOnPool(io, pool, std::move(work), limit);
  if (result) co_return *std::move(result);
  co_return co_await WhyNothingCame();
}

}  // namespace larder::client
