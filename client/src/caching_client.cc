#include "larder/client/caching_client.h"

#include <signal.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <exception>
#include <future>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "io_gate.h"
#include "larder/client/asio/stack.h"
#include "pulled_exchange.h"

namespace larder::client {
namespace {

// What blocks on the disk or takes long runs there.
constexpr std::size_t kPoolThreads = 2;

// One exchange. Used on the client's thread only, but for its making.
struct Call {
  CachingClient::Callbacks callbacks;
  boost::asio::cancellation_signal cancel;
  bool ended = false;

  void End(const Status& status) {
    if (std::exchange(ended, true)) return;
    if (callbacks.on_end) callbacks.on_end(status);
  }
};

boost::asio::awaitable<void> Run(HttpService& service, Request request,
                                 std::shared_ptr<Call> call) {
  Result<Response> response = co_await service.Send(std::move(request));
  if (!response.ok()) co_return call->End(response.status());
  if (call->callbacks.on_head) call->callbacks.on_head(response->head);
  while (true) {
    Result<SharedBytes> piece = co_await response->body->Read();
    if (!piece.ok()) co_return call->End(piece.status());
    if (piece->empty()) co_return call->End(Status::Ok());
    if (call->callbacks.on_piece) call->callbacks.on_piece(piece->view());
  }
}

// A peer that goes while we write must not end the program. Threads inherit the mask.
void BlockSigpipe() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

class StackClient final : public CachingClient {
 public:
  explicit StackClient(OnAbort on_abort)
      : on_abort_(on_abort), gate_(IoGate::Of(io_)), work_(io_.get_executor()) {}
  ~StackClient() override;

  Status AddStack(const ClientConfig& config, Cache* cache, const std::string& provider);
  void Run() {
    thread_ = std::thread([this] {
      BlockSigpipe();
      io_.run();
    });
  }

  Result<Answer> Send(std::string_view provider, Request request) override;
  std::function<void()> Start(std::string_view provider, Request request,
                              Callbacks callbacks) override;
  Result<std::unique_ptr<Stream>> Open(std::string_view provider, Request request,
                                       const std::stop_token& stop) override;
  std::map<std::string, std::uint64_t> RefusalCounts() const override {
    return refusals_->Counts();
  }
  std::map<std::string, ProviderStats> Health() const override { return board_->Snapshot(); }

 private:
  // Ends `call` when it is called; see Start().
  std::function<void()> Canceller(const std::shared_ptr<Call>& call) const;
  void Begin(HttpService& service, Request request, std::shared_ptr<Call> call);
  void Spawn(const std::shared_ptr<Call>& call, boost::asio::awaitable<void> coroutine);
  void StopIfIdle();

  const OnAbort on_abort_;
  // Goes last: it takes the coroutines that are left with it.
  boost::asio::io_context io_{1};
  boost::asio::thread_pool pool_{kPoolThreads};
  boost::asio::thread_pool store_pool_{kPoolThreads};
  const std::shared_ptr<StoreThreads> store_ = std::make_shared<StoreThreads>(store_pool_);
  std::shared_ptr<IoGate> gate_;
  const std::shared_ptr<Refusals> refusals_ = std::make_shared<Refusals>();
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::map<std::string, std::unique_ptr<HttpService>, std::less<>>
      stacks_;  // constant once running
  const std::shared_ptr<HealthBoard> board_ = std::make_shared<HealthBoard>();
  const std::shared_ptr<CredentialBoard> credentials_ = std::make_shared<CredentialBoard>();
  std::thread thread_;

  // On the client's thread.
  std::set<std::shared_ptr<Call>> calls_;
  bool closing_ = false;
};

StackClient::~StackClient() {
  if (thread_.joinable()) {
    boost::asio::post(io_, [this] {
      closing_ = true;
      const std::set<std::shared_ptr<Call>> calls = calls_;
      for (const auto& call : calls) call->cancel.emit(boost::asio::cancellation_type::terminal);
      StopIfIdle();
    });
    thread_.join();
  }
  pool_.join();  // what is complete is stored
  store_pool_.join();
}

// Fetches that nobody waits for any more are dropped.
void StackClient::StopIfIdle() {
  if (closing_ && calls_.empty()) io_.stop();
}

Status StackClient::AddStack(const ClientConfig& config, Cache* cache,
                             const std::string& provider) {
  Result<std::unique_ptr<HttpService>> stack = MakeStack({.io = io_,
                                                          .pool = pool_,
                                                          .cache = cache,
                                                          .store = store_,
                                                          .health = board_,
                                                          .refusals = refusals_,
                                                          .credentials = credentials_,
                                                          .on_abort = on_abort_},
                                                         config, provider);
  if (!stack.ok()) return stack.status();
  stacks_.emplace(provider, *std::move(stack));
  return Status::Ok();
}

Result<CachingClient::Answer> StackClient::Send(std::string_view provider, Request request) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    return Status(StatusCode::kInvalidArgument, "Send waits and cannot be called from a callback");
  }
  Answer answer;
  const auto end = std::make_shared<std::promise<Status>>();
  Callbacks callbacks;
  callbacks.on_head = [&](const ResponseHead& head) { answer.head = head; };
  callbacks.on_piece = [&](std::string_view piece) { answer.body += piece; };
  callbacks.on_end = [end](const Status& status) { end->set_value(status); };
  Start(provider, std::move(request), std::move(callbacks));
  const Status status = end->get_future().get();
  if (!status.ok()) return status;
  return answer;
}

std::function<void()> StackClient::Start(std::string_view provider, Request request,
                                         Callbacks callbacks) {
  auto call = std::make_shared<Call>();
  call->callbacks = std::move(callbacks);
  const auto stack = stacks_.find(provider);
  if (stack == stacks_.end()) {
    const Status status(StatusCode::kInvalidArgument,
                        "no provider `" + std::string(provider) + "`");
    boost::asio::post(io_, [call, status] { call->End(status); });
    return [] {};
  }
  boost::asio::post(
      io_, [this, &service = *stack->second, call, request = std::move(request)]() mutable {
        Begin(service, std::move(request), std::move(call));
      });
  return Canceller(call);
}

std::function<void()> StackClient::Canceller(const std::shared_ptr<Call>& call) const {
  return [gate = gate_, weak = std::weak_ptr<Call>(call)] {
    gate->Post([weak] {
      const auto alive = weak.lock();
      if (alive) alive->cancel.emit(boost::asio::cancellation_type::terminal);
    });
  };
}

// Its `cancel` ends the coroutine, which answers whoever waits.
class PulledStream final : public CachingClient::Stream {
 public:
  PulledStream(std::shared_ptr<PulledExchange> exchange, std::function<void()> cancel,
               ResponseHead head)
      : exchange_(std::move(exchange)), cancel_(std::move(cancel)), head_(std::move(head)) {}
  ~PulledStream() override { cancel_(); }

  Result<SharedBytes> Next() override { return exchange_->Next(); }
  const ResponseHead& head() const override { return head_; }
  void Cancel() override { cancel_(); }

 private:
  const std::shared_ptr<PulledExchange> exchange_;
  const std::function<void()> cancel_;
  const ResponseHead head_;
};

Result<std::unique_ptr<CachingClient::Stream>> StackClient::Open(std::string_view provider,
                                                                 Request request,
                                                                 const std::stop_token& stop) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    return Status(StatusCode::kInvalidArgument, "Open waits and cannot be called from a callback");
  }
  const auto stack = stacks_.find(provider);
  if (stack == stacks_.end()) {
    return Status(StatusCode::kInvalidArgument, "no provider `" + std::string(provider) + "`");
  }
  auto call = std::make_shared<Call>();
  auto exchange = std::make_shared<PulledExchange>();
  boost::asio::post(io_, [this, &service = *stack->second, call, exchange,
                          request = std::move(request)]() mutable {
    Spawn(call, PulledExchange::Run(io_, service, std::move(request), exchange));
  });
  std::function<void()> cancel = Canceller(call);
  const std::stop_callback stopping(stop, cancel);
  Result<ResponseHead> head = exchange->Head();
  if (!head.ok()) return head.status();
  return std::unique_ptr<Stream>(
      std::make_unique<PulledStream>(exchange, std::move(cancel), *std::move(head)));
}

void StackClient::Begin(HttpService& service, Request request, std::shared_ptr<Call> call) {
  if (closing_) return call->End({StatusCode::kCancelled, "the client is closing"});
  Spawn(call, client::Run(service, std::move(request), call));
}

void StackClient::Spawn(const std::shared_ptr<Call>& call, boost::asio::awaitable<void> coroutine) {
  calls_.insert(call);
  const auto slot = call->cancel.slot();
  boost::asio::co_spawn(
      io_, std::move(coroutine),
      boost::asio::bind_cancellation_slot(slot, [this, call](const std::exception_ptr& error) {
        // Asio throws where a coroutine goes on after it was cancelled.
        if (error) call->End({StatusCode::kCancelled, "the caller gave up"});
        calls_.erase(call);
        StopIfIdle();
      }));
}

}  // namespace

Result<std::unique_ptr<CachingClient>> CachingClient::Create(const ClientConfig& config,
                                                             Cache* cache, OnAbort on_abort) {
  auto client = std::make_unique<StackClient>(on_abort);
  for (const auto& [name, provider] : config.providers) {
    const Status status = client->AddStack(config, cache, name);
    if (!status.ok()) return status;
  }
  client->Run();
  return std::unique_ptr<CachingClient>(std::move(client));
}

}  // namespace larder::client
