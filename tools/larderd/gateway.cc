#include "gateway.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>

#include "client_stats.h"
#include "exit_status.h"
#include "larder/client/asio/stack.h"
#include "larder/late_opening.h"
#include "metrics_page.h"
#include "recent_misses_json.h"

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

// For what Drain() has cut off to take notice.
constexpr Duration kAbortLimit = std::chrono::seconds(2);
// Of which the cache waits ten seconds for its disk.
constexpr Duration kCloseLimit = std::chrono::seconds(12);
// What callers spent in so long may be forgotten by a crash.
constexpr Duration kBetweenSaves = std::chrono::seconds(5);

// Threads for what may block on the disk. A lookup takes microseconds; a few that are stuck on a
// slow disk shall not hold up the rest.
constexpr std::size_t kStoreThreads = 4;

// Threads for what takes long, or waits for others: credentials.
constexpr std::size_t kPoolThreads = 4;

// Of a start on a disk that does not answer.
constexpr Duration kLoadPatience = std::chrono::seconds(1);

// Connections that the process may hold: each can need a second one upstream, and the store has
// files of its own.
std::size_t RaiseConnectionLimit() {
  constexpr rlim_t kOwnFiles = 512;
  constexpr rlim_t kMost = 1 << 20;
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 256;
  files.rlim_cur = std::min(files.rlim_max, kMost);
  setrlimit(RLIMIT_NOFILE, &files);
  getrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur > 2 * kOwnFiles ? (files.rlim_cur - kOwnFiles) / 2 : 256;
}

}  // namespace

Gateway::Gateway(const tools::ToolConfig& config, Log& log, const InitSystem& manager)
    : log_(log),
      manager_(manager),
      drain_timeout_(config.gateway.drain_timeout),
      log_rotation_(control_, log),
      heartbeat_(control_, manager),
      board_(std::make_shared<client::HealthBoard>(
          [&log](const std::string& provider, client::CircuitState state) {
            log.Write(LogLevel::kWarning, "circuit",
                      {{"provider", provider}, {"state", client::CircuitStateName(state)}});
          })),
      call_limits_(std::make_shared<client::CallLimits>(config.gateway.upstream)),
      flight_memory_(client::FlightMemory::Make(
          std::max(config.gateway.max_request_memory_bytes, client::FlightMemory::kUsual))),
      answers_(config.gateway.max_request_memory_bytes),
      client_connections_(config.gateway.max_connections_per_client),
      pool_(kPoolThreads),
      store_pool_(kStoreThreads) {
  limits_.max_body_bytes = config.gateway.max_body_bytes;
  // The largest that is allowed must find room when it is alone.
  limits_.request_memory = std::make_shared<RequestMemory>(
      std::max(config.gateway.max_request_memory_bytes, config.gateway.max_body_bytes));
  cassette_ = config.gateway.mode;
  on_abort_ = config.gateway.on_abort;
}

Status Gateway::Check(const tools::ToolConfig& config) {
  asio::io_context io;
  asio::thread_pool pool(1);
  for (const auto& [name, provider] : config.client.providers) {
    const auto stack = client::MakeStack({io, pool, nullptr}, config.client, name);
    if (!stack.ok()) return stack.status();
  }
  return Status::Ok();
}

Result<std::unique_ptr<Gateway>> Gateway::Open(const tools::ToolConfig& config, Log& log,
                                               const InitSystem& manager) {
  std::unique_ptr<Gateway> gateway(new Gateway(config, log, manager));
  gateway->max_connections_ = RaiseConnectionLimit();
  auto listener = manager.socket() ? HttpListener::Adopt(gateway->control_, *manager.socket())
                                   : HttpListener::Bind(gateway->control_, config.gateway.host,
                                                        config.gateway.port);
  if (!listener.ok()) return listener.status();
  gateway->listener_ = *std::move(listener);
  if (Status status = gateway->CheckReach(config); !status.ok()) return status;
  if (Status opened = gateway->OpenCache(config.client.cache); !opened.ok()) return opened;
  if (Status started = gateway->StartWorkers(config); !started.ok()) return started;
  if (Status started = gateway->StartAdmin(config); !started.ok()) return started;
  return gateway;
}

// The configuration was checked for the address that it names; another may have been handed over.
Status Gateway::CheckReach(const tools::ToolConfig& config) const {
  if (config.gateway.isolation != tools::Isolation::kNamespace || !config.gateway.callers.empty() ||
      listener_->is_loopback()) {
    return Status::Ok();
  }
  return {StatusCode::kInvalidArgument,
          "gateway.isolation \"namespace\" without gateway.clients needs a loopback address"};
}

Status Gateway::StartAdmin(const tools::ToolConfig& config) {
  admin::AdminOptions options;
  options.more_stats = [this] { return ClientStatsJson(*board_, *refusals_); };
  if (config.metrics.enabled) options.metrics = [this] { return ShowMetrics(); };
  options.recent_misses = [this](std::size_t limit) {
    return RecentMissesJson(*recent_misses_, *cache_, limit);
  };
  options.events = [this](std::uint64_t after) { return events_.Since(after); };
  options.config = &running_config_;
  if (config.admin.listen) {
    if (Status started = StartAdminTcp(config.admin, options); !started.ok()) return started;
  }
  if (!config.admin.socket) return Status::Ok();
  options.socket = *config.admin.socket;
  auto admin = LateAdmin::Start(*cache_, options, log_);
  if (!admin.ok()) return admin.status().WithContext("admin.socket");
  admin_ = *std::move(admin);
  return Status::Ok();
}

// The token is asked of its source each time: one that was changed counts at once.
Status Gateway::StartAdminTcp(const tools::AdminConfig& config,
                              const admin::AdminOptions& options) {
  const Result<client::SecretText> now = config.token->Resolve();
  if (!now.ok()) return now.status().WithContext("admin.token");
  const auto is_token = [token = *config.token](std::string_view given) {
    const Result<client::SecretText> right = token.Resolve();
    return right.ok() && right->Matches(given);
  };
  auto admin = admin::AdminServer::StartTcp(
      *cache_, options,
      {.host = config.listen->host, .port = config.listen->port, .is_token = is_token});
  if (!admin.ok()) return admin.status().WithContext("admin.listen");
  admin_tcp_ = *std::move(admin);
  log_.Write(LogLevel::kInfo, "admin listening", {{"url", admin_tcp_->address()}});
  return Status::Ok();
}

std::string Gateway::ShowMetrics() const {
  std::size_t connections = 0;
  for (const auto& worker : workers_) connections += worker->connections();
  return MetricsText({.requests = metrics_,
                      .providers = board_->Snapshot(),
                      .calls = call_limits_->Snapshot(),
                      .refusals = refusals_->Counts(),
                      .cache = cache_->GetStats(),
                      .connections = connections});
}

// Requests are answered whether or not its disk answers; but what records and replays has nothing
// to serve without it, so that only tells why.
Status Gateway::OpenCache(Options options) {
  options.log = [log = &log_](LogLevel level, std::string_view line) {
    log->Write(level, "store", {{"what", std::string(line)}});
  };
  options.observer = &events_;
  const bool is_needed = cassette_ != client::CassetteMode::kNone;
  auto cache = is_needed ? Cache::Open(options) : OpenLate(options);
  if (!cache.ok()) {
    // The configuration has been checked: it is the system that refuses the directory.
    const bool refused = cache.status().code() == StatusCode::kInvalidArgument;
    const Status status = cache.status().WithContext("cache.directory");
    return refused ? Status(StatusCode::kInternal, status.message()) : status;
  }
  cache_ = *std::move(cache);
  return Status::Ok();
}

Result<GatewayHandler::Stacks> Gateway::MakeStacks(const client::ClientConfig& config,
                                                   HttpWorker& worker) {
  GatewayHandler::Stacks stacks;
  for (const auto& [name, provider] : config.providers) {
    auto stack = client::MakeStack({.io = worker.io(),
                                    .pool = pool_,
                                    .cache = cache_.get(),
                                    .store = store_threads_,
                                    .health = board_,
                                    .refusals = refusals_,
                                    .flight_memory = flight_memory_,
                                    .recent_misses = recent_misses_,
                                    .credentials = credentials_,
                                    .call_limits = call_limits_,
                                    .cassette = cassette_,
                                    .scoped_tags = true,
                                    .on_abort = on_abort_},
                                   config, name);
    if (!stack.ok()) return stack.status();
    stacks[name] = *std::move(stack);
  }
  return stacks;
}

Result<std::vector<GatewayHandler::Plan>> Gateway::MakePlans(const tools::ToolConfig& config) {
  const auto routes =
      std::make_shared<const Routes>(config.client.providers, config.gateway.default_provider);
  const auto callers = std::make_shared<const Callers>(config.gateway.callers, accounts_);
  std::vector<GatewayHandler::Plan> plans;
  for (const auto& worker : workers_) {
    Result<GatewayHandler::Stacks> stacks = MakeStacks(config.client, *worker);
    if (!stacks.ok()) return stacks.status();
    plans.push_back({routes, callers, *std::move(stacks)});
  }
  return plans;
}

Status Gateway::StartWorkers(const tools::ToolConfig& config) {
  HandlerParts parts{.cache = *cache_,
                     .pool = store_pool_,
                     .log = log_,
                     .metrics = metrics_,
                     .answers = answers_,
                     .isolation = config.gateway.isolation,
                     .cassette = cassette_,
                     .metrics_page = {}};
  if (config.metrics.enabled && listener_->is_loopback()) {
    parts.metrics_page = [this] { return ShowMetrics(); };
  }
  spending_file_ = config.client.cache.directory + "/spending";
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < threads; ++i) workers_.push_back(std::make_unique<HttpWorker>(limits_));
  Result<std::vector<GatewayHandler::Plan>> plans = MakePlans(config);
  if (!plans.ok()) return plans.status();
  for (GatewayHandler::Plan& plan : *plans) {
    handlers_.push_back(std::make_unique<GatewayHandler>(std::move(plan), parts));
  }
  return Status::Ok();
}

Status Gateway::Apply(const tools::ToolConfig& config) {
  const Options& cache = config.client.cache;
  const OptionsChange change{.max_disk_bytes = cache.max_disk_bytes,
                             .max_memory_bytes = cache.max_memory_bytes,
                             .compression_level = cache.compression.level,
                             .default_ttl = cache.default_ttl,
                             .ttl_jitter = cache.ttl_jitter,
                             .stale_while_revalidate = cache.stale_while_revalidate,
                             .stale_if_error = cache.stale_if_error,
                             .negative_ttl = cache.negative_ttl};
  if (Status status = CheckReach(config); !status.ok()) return status;
  if (Status status = cache.Validate(); !status.ok()) return status;
  Result<std::vector<GatewayHandler::Plan>> plans = MakePlans(config);
  if (!plans.ok()) return plans.status();
  // Nothing can fail any more: what is refused changes nothing.
  ChangeCache(change);
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto replace = [handler = handlers_[i].get(), plan = std::move((*plans)[i])]() mutable {
      handler->Replace(std::move(plan));
    };
    asio::post(workers_[i]->io(), std::move(replace));
  }
  log_.SetLevel(config.logging.level);
  return Status::Ok();
}

// The store writes down some of it, and its disk may hang: our thread takes connections and
// signals. One after the other.
void Gateway::ChangeCache(const OptionsChange& change) {
  asio::post(changes_, [this, change] {
    const Status changed = cache_->Change(change);
    if (!changed.ok()) log_.Write(LogLevel::kError, "change", {{"why", changed.ToString()}});
  });
}

void Gateway::SaveSpending() {
  if (!spending_loaded_) return;  // or what it says would be lost
  const Status saved = accounts_.Save(spending_file_, Today());
  if (!saved.ok()) log_.Write(LogLevel::kWarning, "spending", {{"why", saved.message()}});
}

// By a thread of its own, as the disk may hang: ours takes connections and signals.
void Gateway::KeepSpending() {
  std::unique_lock lock(save_mutex_);
  do {
    lock.unlock();
    if (spending_loaded_) {
      SaveSpending();
    } else {
      LoadSpending();
    }
    lock.lock();
    spending_tried_ = true;
    save_wake_.notify_all();
  } while (!save_wake_.wait_for(lock, kBetweenSaves, [this] { return stop_saving_; }));
}

void Gateway::LoadSpending() {
  const Status loaded = accounts_.Load(spending_file_, Today());
  spending_loaded_ = loaded.ok();
  if (!loaded.ok() && !spending_tried_) {
    log_.Write(LogLevel::kWarning, "spending", {{"why", loaded.message()}});
  }
}

// Callers who have spent what they may are known before anybody is served, if the disk answers.
void Gateway::StartSpending() {
  saver_ = std::thread([this] { KeepSpending(); });
  if (cache_->GetHealth().state == HealthState::kReopening) return;
  std::unique_lock lock(save_mutex_);
  save_wake_.wait_for(lock, kLoadPatience, [this] { return spending_tried_; });
}

void Gateway::StopSaving() {
  {
    const std::lock_guard lock(save_mutex_);
    stop_saving_ = true;
  }
  save_wake_.notify_all();
  saver_.join();
  SaveSpending();
}

void Gateway::Run(const std::function<void(const std::string& url)>& ready,
                  const std::function<void()>& stopping) {
  // A caller or a provider that closes early is an error of that write, not the end of us.
  std::signal(SIGPIPE, SIG_IGN);
  for (const int end : {SIGTERM, SIGQUIT, SIGINT}) signals_.add(end);
  signals_.async_wait([this, &stopping](const boost::system::error_code& error, int) {
    if (error) return;
    running_config_.Detach();
    if (stopping) stopping();
    listener_->Stop();
    heartbeat_.Stop();
    log_rotation_.Stop();
    // Back to the default: the second signal kills.
    signals_.clear();
  });
  log_rotation_.Start();
  StartSpending();
  Serve(ready);
  control_.run();
  Drain();
}

void Gateway::Serve(const std::function<void(const std::string& url)>& ready) {
  HttpListener::Plan plan;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->Start(*handlers_[i]);
    plan.workers.push_back(workers_[i].get());
  }
  plan.max_connections = max_connections_;
  plan.clients = &client_connections_;
  plan.on_turned_away = [this] { metrics_.Count(TurnedAway::kConnections); };
  plan.log = [this](const std::string& what) { log_.Write(LogLevel::kWarning, what); };
  const std::string url = listener_->url();
  listener_->Start(std::move(plan));
  log_.Write(LogLevel::kInfo, "listening", {{"url", url}});
  ready(url);
  manager_.Notify("READY=1");
  heartbeat_.Start(workers_);
}

void Gateway::Drain() {
  log_.Write(LogLevel::kInfo, "draining");
  manager_.Notify("STOPPING=1");
  for (const auto& worker : workers_) {
    worker->Drain();
    asio::post(worker->io(), [&io = worker->io()] { client::StopIdleTimer(io); });
  }
  const auto end = std::chrono::steady_clock::now() + drain_timeout_;
  bool ended = true;
  for (const auto& worker : workers_) {
    const auto left = std::chrono::duration_cast<Duration>(end - std::chrono::steady_clock::now());
    ended = worker->WaitForEnd(std::max(left, Duration::zero())) && ended;
  }
  if (!ended) {
    log_.Write(LogLevel::kWarning, "cutting off what still runs");
    for (const auto& worker : workers_) worker->Abort();
    ended = true;
    for (const auto& worker : workers_) ended = worker->WaitForEnd(kAbortLimit) && ended;
  }
  ended = CloseAll() && ended;
  log_.Write(LogLevel::kInfo, "ended");
  // What still hangs cannot be waited for; nothing is lost by that but what a kill would take.
  if (!ended) std::_Exit(tools::kExitDone);
}

// All that may wait for the disk, by a thread that is left behind if that hangs.
bool Gateway::CloseAll() {
  std::promise<void> done;
  std::future<void> is_done = done.get_future();
  std::thread closer([this, &done] {
    admin_.reset();
    admin_tcp_.reset();
    pool_.join();
    store_pool_.join();
    const Status closed = cache_->Close();
    if (!closed.ok()) log_.Write(LogLevel::kError, "close", {{"why", closed.ToString()}});
    StopSaving();
    done.set_value();
  });
  if (is_done.wait_for(kCloseLimit) == std::future_status::ready) {
    closer.join();
    return true;
  }
  closer.detach();
  log_.Write(LogLevel::kError, "close", {{"why", "the disk does not answer"}});
  return false;
}

}  // namespace larder::gateway
