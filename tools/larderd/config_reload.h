// ConfigReload: takes changes of the configuration over while the gateway runs.
//
// The file is watched, and SIGHUP asks too. A file that is refused, and a change with a key that
// needs a restart, change nothing and are logged: what runs is always one whole configuration.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "larder/client/config_change.h"
#include "larder/client/config_document.h"
#include "log.h"
#include "tool_config.h"

namespace larder::gateway {

// Used on the thread that runs `io`.
class ConfigReload {
 public:
  // Makes the change; an error leaves everything as it was.
  using Apply = std::function<Status(const tools::ToolConfig& config)>;

  // `current` was loaded from `sources`. What is referred to must outlive this.
  ConfigReload(boost::asio::io_context& io, client::ConfigSources sources,
               client::ConfigDocument current, Apply apply, Log& log);

  void Start();
  // Nothing is left to wait for afterwards.
  void Stop();
  // Reads the file and takes it over. True if something changed.
  bool Reload();
  // Changes the file by a merge patch and takes that over, or neither. Returns what has changed.
  // Errors: kInvalidArgument, kUnavailable (another changes it at this moment), kInternal.
  Result<std::vector<client::ConfigChange>> Change(const std::string& patch);
  // What is in force.
  const client::ConfigDocument& current() const { return current_; }

 private:
  void WaitForSignal();
  void WatchFolders();
  // The folder of the file that a link leads to, now: there it is changed.
  void WatchTarget();
  void WaitForEvent();
  // A little later, once: files are often written in several steps. The folder's first change that
  // is not taken notice of yet is so after a second at the latest.
  void ReloadSoon();

  const client::ConfigSources sources_;
  const Apply apply_;
  Log& log_;
  client::ConfigDocument current_;
  std::string refused_;  // the last complaint, told once
  boost::asio::signal_set hang_up_;
  boost::asio::posix::stream_descriptor watch_;
  // Of inotify, below 0: none. They are the same one where there is no link to another folder.
  int folder_watch_ = -1;
  int target_watch_ = -1;
  boost::asio::steady_timer settle_;
  // The first change since the last time that the file was read for one.
  std::optional<std::chrono::steady_clock::time_point> unsettled_since_;
  std::array<char, 4096> events_{};
  bool stopped_ = false;
};

}  // namespace larder::gateway
