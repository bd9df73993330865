#include "store_health.h"

#include <boost/asio/post.hpp>

namespace larder::gateway {
namespace {

// A look takes microseconds; one that is not back by the next is stuck on the disk.
constexpr auto kInterval = std::chrono::seconds(1);
constexpr auto kFaultCounts = std::chrono::seconds(10);

}  // namespace

StoreHealth::StoreHealth(boost::asio::io_context& io, boost::asio::thread_pool& pool,
                         const Cache& cache)
    : timer_(io), pool_(pool), cache_(cache) {}

void StoreHealth::Start() {
  // What failed in earlier lives of the store is no fault of this one.
  seen_ = cache_.GetStats().store_faults;
  faults_ = seen_;
  Look();
}

void StoreHealth::Stop() {
  stopped_ = true;
  timer_.cancel();
}

void StoreHealth::Look() {
  if (stopped_) return;
  const Instant now = std::chrono::steady_clock::now();
  const bool answered = answered_;
  const std::uint64_t faults = faults_;
  if (faults != seen_) latest_fault_ = now;
  seen_ = faults;
  const bool failed = latest_fault_ != Instant::min() && now - latest_fault_ < kFaultCounts;
  degraded_ = !answered || failed;
  if (answered) {
    answered_ = false;
    boost::asio::post(pool_, [this] {
      faults_ = cache_.GetStats().store_faults;
      answered_ = true;
    });
  }
  timer_.expires_after(kInterval);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Look();
  });
}

}  // namespace larder::gateway
