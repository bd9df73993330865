// Heartbeat: tells the service manager that every io thread still answers.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <vector>

#include "http_worker.h"
#include "init_system.h"

namespace larder::gateway {

// Used on the thread of `control`. Half as often as it must, it asks each worker's thread for a
// sign of life; it tells the manager only when all have given one since it last asked. So a thread
// that hangs ends the process, which the manager starts anew.
class Heartbeat {
 public:
  // The manager must outlive this. Does nothing if that wants no watchdog.
  Heartbeat(boost::asio::io_context& control, const InitSystem& manager);

  void Start(const std::vector<std::unique_ptr<HttpWorker>>& workers);
  // For good: nothing is left to wait for afterwards.
  void Stop();

 private:
  void Ask();
  void Beat();

  const InitSystem& manager_;
  boost::asio::steady_timer timer_;
  bool stopped_ = false;
  std::vector<HttpWorker*> workers_;
  // How many have not answered; owned jointly by the questions under way.
  std::shared_ptr<std::atomic<std::size_t>> silent_;
};

}  // namespace larder::gateway
