// RunningConfig: the admin API's way to the configuration, which belongs to the control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <mutex>

#include "config_reload.h"
#include "larder/admin/admin_server.h"

namespace larder::gateway {

// Thread-safe.
class RunningConfig final : public admin::AdminConfig {
 public:
  explicit RunningConfig(boost::asio::io_context& control) : control_(control) {}

  // Answers from `reload` from now on.
  void Attach(ConfigReload& reload);
  // Answers kUnavailable from now on. On the thread that runs `control`, which goes on until what
  // was asked before is answered.
  void Detach();

  Result<std::string> Show() override;
  Result<std::string> Change(const std::string& patch) override;

 private:
  // Calls `ask` on the control thread and waits for it.
  Result<std::string> Ask(const std::function<Result<std::string>(ConfigReload&)>& ask);

  boost::asio::io_context& control_;
  std::mutex mutex_;
  ConfigReload* reload_ = nullptr;  // guarded by mutex_
};

}  // namespace larder::gateway
