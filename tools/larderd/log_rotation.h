// LogRotation: goes on in a new file of the log when the old one was moved away.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "log.h"

namespace larder::gateway {

// On SIGUSR1, which others take for that too, and on SIGHUP, which reads the configuration anew as
// well. Neither ends the process once this is there. Used on the thread of `control`.
class LogRotation {
 public:
  // The log must outlive this.
  LogRotation(boost::asio::io_context& control, Log& log);

  void Start();
  // For good: nothing is left to wait for afterwards.
  void Stop();

 private:
  Log& log_;
  boost::asio::signal_set signals_;
  bool stopped_ = false;
};

}  // namespace larder::gateway
