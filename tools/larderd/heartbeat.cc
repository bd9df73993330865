#include "heartbeat.h"

#include <boost/asio/post.hpp>

namespace larder::gateway {

Heartbeat::Heartbeat(boost::asio::io_context& control, const InitSystem& manager)
    : manager_(manager), timer_(control) {}

void Heartbeat::Start(const std::vector<std::unique_ptr<HttpWorker>>& workers) {
  if (!manager_.watchdog()) return;
  for (const auto& worker : workers) workers_.push_back(worker.get());
  Ask();
}

// A beat that is due and waits for its turn cannot be cancelled any more.
void Heartbeat::Stop() {
  stopped_ = true;
  timer_.cancel();
}

void Heartbeat::Ask() {
  silent_ = std::make_shared<std::atomic<std::size_t>>(workers_.size());
  for (HttpWorker* worker : workers_) {
    boost::asio::post(worker->io(), [silent = silent_] { --*silent; });
  }
  timer_.expires_after(*manager_.watchdog() / 2);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error && !stopped_) Beat();
  });
}

void Heartbeat::Beat() {
  if (*silent_ == 0) manager_.Notify("WATCHDOG=1");
  Ask();
}

}  // namespace larder::gateway
