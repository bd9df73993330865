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
  StackClient() : gate_(IoGate::Of(io_)), work_(io_.get_executor()) {}
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

 private:
  void Begin(HttpService& service, Request request, std::shared_ptr<Call> call);
  void StopIfIdle();

  // Goes last: it takes the coroutines that are left with it.
  boost::asio::io_context io_{1};
  boost::asio::thread_pool pool_{kPoolThreads};
  std::shared_ptr<IoGate> gate_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::map<std::string, std::unique_ptr<HttpService>, std::less<>>
      stacks_;  // constant once running
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
}

// Fetches that nobody waits for any more are dropped.
void StackClient::StopIfIdle() {
  if (closing_ && calls_.empty()) io_.stop();
}

Status StackClient::AddStack(const ClientConfig& config, Cache* cache,
                             const std::string& provider) {
  Result<std::unique_ptr<HttpService>> stack =
      MakeStack({.io = io_, .pool = pool_, .cache = cache}, config, provider);
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
  return [gate = gate_, weak = std::weak_ptr<Call>(call)] {
    gate->Post([weak] {
      const auto alive = weak.lock();
      if (alive) alive->cancel.emit(boost::asio::cancellation_type::terminal);
    });
  };
}

void StackClient::Begin(HttpService& service, Request request, std::shared_ptr<Call> call) {
  if (closing_) return call->End({StatusCode::kCancelled, "the client is closing"});
  calls_.insert(call);
  const auto slot = call->cancel.slot();
  boost::asio::co_spawn(
      io_, client::Run(service, std::move(request), call),
      boost::asio::bind_cancellation_slot(slot, [this, call](const std::exception_ptr& error) {
        // Asio throws where a coroutine goes on after it was cancelled.
        if (error) call->End({StatusCode::kCancelled, "the caller gave up"});
        calls_.erase(call);
        StopIfIdle();
      }));
}

}  // namespace

Result<std::unique_ptr<CachingClient>> CachingClient::Create(const ClientConfig& config,
                                                             Cache* cache) {
  auto client = std::make_unique<StackClient>();
  for (const auto& [name, provider] : config.providers) {
    const Status status = client->AddStack(config, cache, name);
    if (!status.ok()) return status;
  }
  client->Run();
  return std::unique_ptr<CachingClient>(std::move(client));
}

}  // namespace larder::client
