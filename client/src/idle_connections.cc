#include "idle_connections.h"

#include <utility>

namespace larder::client {
namespace {

// As long as libcurl may use a kept connection again (curl_transfer.cc).
constexpr Duration kInterval = std::chrono::seconds(4);

}  // namespace

boost::asio::io_context::id IdleConnections::id;

IdleConnections& IdleConnections::Of(boost::asio::io_context& io) {
  return boost::asio::use_service<IdleConnections>(io);
}

IdleConnections::IdleConnections(boost::asio::io_context& io)
    : boost::asio::io_context::service(io), timer_(io), interval_(kInterval) {}

void IdleConnections::Watch(std::weak_ptr<ClosedWhenIdle> connections) {
  if (stopped_) return;
  watched_.push_back(std::move(connections));
  if (!waiting_) Wait();
}

void IdleConnections::Stop() {
  stopped_ = true;
  watched_.clear();
  timer_.cancel();
}

void IdleConnections::Wait() {
  waiting_ = true;
  timer_.expires_after(interval_);
  timer_.async_wait([this](const boost::system::error_code& error) {
    waiting_ = false;
    if (!error && !stopped_) Sweep();
  });
}

void IdleConnections::Sweep() {
  std::erase_if(watched_, [](const std::weak_ptr<ClosedWhenIdle>& watched) {
    const std::shared_ptr<ClosedWhenIdle> open = watched.lock();
    return open == nullptr || !open->CloseIfIdle();
  });
  if (!watched_.empty()) Wait();
}

}  // namespace larder::client
