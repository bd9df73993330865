#include "gateway.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <utility>

#include "client_stats.h"
#include "exit_status.h"
#include "larder/client/asio/stack.h"

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

// For what Drain() has cut off to take notice.
constexpr Duration kAbortLimit = std::chrono::seconds(2);

// Threads for what may block on the disk. A lookup takes microseconds; a few that are stuck on a
// slow disk shall not hold up the rest.
constexpr std::size_t kPoolThreads = 4;

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

// The store's own message for this is the same as for a lock that another holds, which callers
// tell from it by the exit status.
Status MakeDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::path path(directory);
  if (!path.has_filename()) path = path.parent_path();  // "cache/"
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  // Answers are for their callers, not for every local user.
  if (!error && mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error && access(directory.c_str(), R_OK | W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error) return Status::Ok();
  return {StatusCode::kInternal,
          "cache.directory: cannot write in `" + directory + "`: " + error.message()};
}

}  // namespace

Gateway::Gateway(const tools::ToolConfig& config, Log& log)
    : log_(log),
      board_(std::make_shared<client::HealthBoard>(
          [&log](const std::string& provider, client::CircuitState state) {
            log.Write(LogLevel::kWarning, "circuit",
                      {{"provider", provider}, {"state", client::CircuitStateName(state)}});
          })),
      pool_(kPoolThreads) {
  limits_.max_body_bytes = config.gateway.max_body_bytes;
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

Result<std::unique_ptr<Gateway>> Gateway::Open(const tools::ToolConfig& config, Log& log) {
  std::unique_ptr<Gateway> gateway(new Gateway(config, log));
  gateway->max_connections_ = RaiseConnectionLimit();
  auto listener = HttpListener::Bind(gateway->control_, config.gateway.host, config.gateway.port);
  if (!listener.ok()) return listener.status();
  gateway->listener_ = *std::move(listener);
  if (Status opened = gateway->OpenCache(config.client.cache); !opened.ok()) return opened;
  if (config.admin.socket) {
    auto admin = admin::AdminServer::Start(
        *gateway->cache_, {.socket = *config.admin.socket,
                           .more_stats =
                               [board = gateway->board_, refusals = gateway->refusals_] {
                                 return ClientStatsJson(*board, *refusals);
                               },
                           .config = &gateway->running_config_});
    if (!admin.ok()) return admin.status().WithContext("admin.socket");
    gateway->admin_ = *std::move(admin);
  }
  if (Status started = gateway->StartWorkers(config); !started.ok()) return started;
  return gateway;
}

Status Gateway::OpenCache(Options options) {
  if (Status made = MakeDirectory(options.directory); !made.ok()) return made;
  options.log = [log = &log_](LogLevel level, std::string_view line) {
    log->Write(level, "store", {{"what", std::string(line)}});
  };
  auto cache = Cache::Open(options);
  if (!cache.ok()) return cache.status().WithContext("cache.directory");
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
                                    .health = board_,
                                    .refusals = refusals_,
                                    .credentials = credentials_},
                                   config, name);
    if (!stack.ok()) return stack.status();
    stacks[name] = *std::move(stack);
  }
  return stacks;
}

Status Gateway::StartWorkers(const tools::ToolConfig& config) {
  const auto routes =
      std::make_shared<const Routes>(config.client.providers, config.gateway.default_provider);
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  for (unsigned i = 0; i < threads; ++i) {
    workers_.push_back(std::make_unique<HttpWorker>(limits_));
    Result<GatewayHandler::Stacks> stacks = MakeStacks(config.client, *workers_.back());
    if (!stacks.ok()) return stacks.status();
    handlers_.push_back(
        std::make_unique<GatewayHandler>(routes, *std::move(stacks), *cache_, log_));
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
  const auto routes =
      std::make_shared<const Routes>(config.client.providers, config.gateway.default_provider);
  std::vector<GatewayHandler::Stacks> all;
  for (const auto& worker : workers_) {
    Result<GatewayHandler::Stacks> stacks = MakeStacks(config.client, *worker);
    if (!stacks.ok()) return stacks.status();
    all.push_back(*std::move(stacks));
  }
  // The last that can fail: what is refused changes nothing.
  if (Status changed = cache_->Change(change); !changed.ok()) return changed;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto replace = [handler = handlers_[i].get(), routes, stacks = std::move(all[i])]() mutable {
      handler->Replace(routes, std::move(stacks));
    };
    asio::post(workers_[i]->io(), std::move(replace));
  }
  log_.SetLevel(config.logging.level);
  return Status::Ok();
}

void Gateway::Run(const std::function<void(const std::string& url)>& ready,
                  const std::function<void()>& stopping) {
  // A caller or a provider that closes early is an error of that write, not the end of us.
  std::signal(SIGPIPE, SIG_IGN);
  signals_.add(SIGTERM);
  signals_.add(SIGINT);
  signals_.async_wait([this, &stopping](const boost::system::error_code& error, int) {
    if (error) return;
    running_config_.Detach();
    if (stopping) stopping();
    listener_->Stop();
    // Back to the default: the second signal kills.
    signals_.clear();
  });
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
  plan.log = [this](const std::string& what) { log_.Write(LogLevel::kWarning, what); };
  const std::string url = listener_->url();
  listener_->Start(std::move(plan));
  log_.Write(LogLevel::kInfo, "listening", {{"url", url}});
  ready(url);
}

void Gateway::Drain() {
  log_.Write(LogLevel::kInfo, "draining");
  for (const auto& worker : workers_) worker->Drain();
  const auto end = std::chrono::steady_clock::now() + kDrainLimit;
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
  admin_.reset();
  pool_.join();
  const Status closed = cache_->Close();
  if (!closed.ok()) log_.Write(LogLevel::kError, "close", {{"why", closed.ToString()}});
  log_.Write(LogLevel::kInfo, "ended");
  // What still hangs on an io thread cannot be waited for; the store is closed, nothing is lost.
  if (!ended) std::_Exit(tools::kExitDone);
}

}  // namespace larder::gateway
