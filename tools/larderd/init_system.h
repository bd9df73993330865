// InitSystem: what systemd is told of us, and what it hands over: sd_notify(3) and
// sd_listen_fds(3), whose protocols are small and fixed.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace larder::gateway {

class InitSystem {
 public:
  // From NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, LISTEN_FDS and LISTEN_PID, which are taken out
  // of the environment: they are for this process alone. Before other threads run.
  static InitSystem FromEnvironment();

  // "READY=1", "STOPPING=1", "WATCHDOG=1". Nothing happens without a manager, or if it is gone.
  void Notify(std::string_view state) const;

  // How often it wants to hear WATCHDOG=1; none if it does not.
  std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }
  // The listening socket that it has opened for us; none if it has not.
  std::optional<int> socket() const { return socket_; }

 private:
  std::string notify_socket_;
  std::optional<std::chrono::microseconds> watchdog_;
  std::optional<int> socket_;
};

}  // namespace larder::gateway
