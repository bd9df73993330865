#include "log_rotation.h"

#include <csignal>

namespace larder::gateway {

LogRotation::LogRotation(boost::asio::io_context& control, Log& log)
    : log_(log), signals_(control, SIGUSR1, SIGHUP) {}

void LogRotation::Start() {
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (error || stopped_) return;
    log_.Reopen();
    Start();
  });
}

void LogRotation::Stop() {
  stopped_ = true;
  boost::system::error_code ignored;
  signals_.cancel(ignored);
}

}  // namespace larder::gateway
