// StoreHealth: whether the store serves, found out without waiting for it.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>

#include "larder/cache.h"

namespace larder::gateway {

// degraded() may be asked from any thread; all else is for the thread of `io`.
class StoreHealth {
 public:
  // All must outlive this; `pool` must be joined before.
  StoreHealth(boost::asio::io_context& io, boost::asio::thread_pool& pool, const Cache& cache);

  // Looks every second until Stop.
  void Start();
  void Stop();

  // The store failed reads or writes lately, or does not even answer how it is.
  bool degraded() const { return degraded_; }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  void Look();

  boost::asio::steady_timer timer_;
  boost::asio::thread_pool& pool_;
  const Cache& cache_;
  bool stopped_ = false;
  Instant latest_fault_ = Instant::min();
  std::uint64_t seen_ = 0;
  std::atomic<bool> answered_ = true;
  std::atomic<std::uint64_t> faults_ = 0;
  std::atomic<bool> degraded_ = false;
};

}  // namespace larder::gateway
