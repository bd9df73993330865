// Gateway: everything larderd is made of, put together from the configuration.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "caller_account.h"
#include "client_connections.h"
#include "event_log.h"
#include "gateway_handler.h"
#include "heartbeat.h"
#include "http_listener.h"
#include "http_worker.h"
#include "init_system.h"
#include "larder/admin/admin_server.h"
#include "larder/cache.h"
#include "larder/client/asio/store_threads.h"
#include "larder/client/call_limits.h"
#include "larder/client/credential_board.h"
#include "larder/client/flight_memory.h"
#include "larder/client/health_board.h"
#include "larder/client/on_abort.h"
#include "larder/client/recent_misses.h"
#include "larder/client/refusals.h"
#include "larder/result.h"
#include "late_admin.h"
#include "log.h"
#include "log_rotation.h"
#include "request_metrics.h"
#include "routes.h"
#include "running_config.h"
#include "server_limits.h"
#include "tool_config.h"

namespace larder::gateway {

class Gateway {
 public:
  // Takes the port, or the socket that `manager` hands over, and the store; a store (but that of a
  // cassette), or an admin socket, whose disk fails or hangs comes later (OpenLate). `log` and
  // `manager` must outlive the gateway. Errors: kInvalidArgument (configuration), kUnavailable
  // (port or store held by another), kDataLoss (store unreadable, and cache.on_corruption is
  // "fail"), kInternal (the system refuses the directory, ...).
  static Result<std::unique_ptr<Gateway>> Open(const tools::ToolConfig& config, Log& log,
                                               const InitSystem& manager);
  // What Open would refuse without touching port or store. Errors: kInvalidArgument.
  static Status Check(const tools::ToolConfig& config);

  // Takes the keys over that a running gateway can (policy, providers, prices, default providers,
  // level of the log), for the requests from now on. Before Run(), or on its thread. Errors:
  // kInvalidArgument; nothing has changed then.
  Status Apply(const tools::ToolConfig& config);
  // The admin API shows and changes the configuration by `reload`, which must live until Run() has
  // returned.
  void ServeConfig(ConfigReload& reload) { running_config_.Attach(reload); }
  // What Run() does besides, on its thread: the signals and timers of `work` are added to it.
  boost::asio::io_context& control() { return control_; }

  // Serves until SIGTERM, SIGQUIT or SIGINT, then drains: no new connections, no further requests,
  // what runs gets gateway.drain_timeout. `ready` is told the address once requests are answered. A
  // second signal ends the process at once. `stopping` is called on Run()'s thread before it
  // drains.
  void Run(const std::function<void(const std::string& url)>& ready,
           const std::function<void()>& stopping = {});

 private:
  Gateway(const tools::ToolConfig& config, Log& log, const InitSystem& manager);

  Status OpenCache(Options options);
  void ChangeCache(const OptionsChange& change);
  Status StartWorkers(const tools::ToolConfig& config);
  Status StartAdmin(const tools::ToolConfig& config);
  Status StartAdminTcp(const tools::AdminConfig& config, const admin::AdminOptions& options);
  std::string ShowMetrics() const;
  Result<GatewayHandler::Stacks> MakeStacks(const client::ClientConfig& config, HttpWorker& worker);
  // One for each worker.
  Result<std::vector<GatewayHandler::Plan>> MakePlans(const tools::ToolConfig& config);
  Status CheckReach(const tools::ToolConfig& config) const;
  void SaveSpending();
  void KeepSpending();
  void LoadSpending();
  void StartSpending();
  void StopSaving();
  void Serve(const std::function<void(const std::string& url)>& ready);
  void Drain();
  bool CloseAll();

  Log& log_;
  const InitSystem& manager_;
  const Duration drain_timeout_;
  ServerLimits limits_;
  std::string spending_file_;
  client::CassetteMode cassette_ = client::CassetteMode::kNone;
  client::OnAbort on_abort_ = client::OnAbort::kFinish;
  std::size_t max_connections_ = 0;
  boost::asio::io_context control_{1};
  boost::asio::signal_set signals_{control_};
  LogRotation log_rotation_;
  Heartbeat heartbeat_;
  CallerAccounts accounts_;
  std::thread saver_;
  std::mutex save_mutex_;
  std::condition_variable save_wake_;
  // Guarded by save_mutex_.
  bool stop_saving_ = false;
  bool spending_tried_ = false;   // to be loaded
  bool spending_loaded_ = false;  // whose thread saves; then whoever has joined it
  // Destroyed from the last to the first: whoever uses goes before what it uses.
  std::shared_ptr<client::HealthBoard> board_;
  std::shared_ptr<client::Refusals> refusals_ = std::make_shared<client::Refusals>();
  const std::shared_ptr<client::RecentMisses> recent_misses_ =
      std::make_shared<client::RecentMisses>();
  const std::shared_ptr<client::CredentialBoard> credentials_ =
      std::make_shared<client::CredentialBoard>();
  std::shared_ptr<client::CallLimits> call_limits_;
  RequestMetrics metrics_;
  const std::shared_ptr<client::FlightMemory> flight_memory_;
  AnswerMemory answers_;
  ClientConnections client_connections_;
  EventLog events_;
  std::unique_ptr<Cache> cache_;
  RunningConfig running_config_{control_};
  boost::asio::thread_pool pool_;        // computes
  boost::asio::thread_pool store_pool_;  // waits for the store
  const std::shared_ptr<client::StoreThreads> store_threads_ =
      std::make_shared<client::StoreThreads>(store_pool_);
  boost::asio::strand<boost::asio::thread_pool::executor_type> changes_{
      store_pool_.get_executor()};  // of the cache's options
  std::vector<std::unique_ptr<HttpWorker>> workers_;
  std::vector<std::unique_ptr<GatewayHandler>> handlers_;
  std::unique_ptr<HttpListener> listener_;
  std::unique_ptr<LateAdmin> admin_;
  std::unique_ptr<admin::AdminServer> admin_tcp_;
};

}  // namespace larder::gateway
