// What the gateway is measured against, on the server library that it is made of: a bare echo, and
// a stand-in for a provider.
//
//   bench_server [PORT]     prints "listening on http://127.0.0.1:PORT"; runs until killed
//
// POST /echo                the body comes back
// POST /v1/chat/completions an answer of about 2 KiB at once; with "stream":true three events
// POST /slow/...            a stream of an event each 100 ms, for as long as the caller listens
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http_listener.h"
#include "http_worker.h"

namespace larder::bench {
namespace {

namespace asio = boost::asio;
using gateway::AnswerHead;
using gateway::Responder;
using gateway::ServerRequest;

std::string Answer() {
  return R"({"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":)"
         R"(0,"message":{"role":"assistant","content":")" +
         std::string(1800, 'x') +
         R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":400,)"
         R"("total_tokens":500}})";
}

std::string Event(const std::string& delta, const char* finish) {
  return R"(data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o",)"
         R"("choices":[{"index":0,"delta":)" +
         delta + R"(,"finish_reason":)" + finish + "}]}\n\n";
}

class BenchHandler final : public gateway::Handler {
 public:
  asio::awaitable<void> Handle(ServerRequest& request, Responder& responder) override {
    const std::string_view path = request.path();
    if (path.starts_with("/slow/")) {
      co_await StreamSlowly(responder);
    } else if (request.body.find(R"("stream":true)") != std::string::npos) {
      co_await Stream(responder);
    } else {
      AnswerHead head{200, {{"content-type", "application/json"}}};
      std::vector<SharedBytes> body;
      body.push_back(path == "/echo" ? SharedBytes(std::move(request.body)) : answer_);
      co_await responder.Send(std::move(head), std::move(body));
    }
  }

  std::string ErrorBody(int, std::string_view message, const ServerRequest&) const override {
    return std::string(message);
  }

 private:
  asio::awaitable<void> Stream(Responder& responder) {
    AnswerHead head{200, {{"content-type", "text/event-stream"}}};
    co_await responder.Start(std::move(head));
    for (const SharedBytes& event : events_) {
      SharedBytes piece = event;
      co_await responder.Write(std::move(piece));
    }
    co_await responder.Finish();
  }

  asio::awaitable<void> StreamSlowly(Responder& responder) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor);
    AnswerHead head{200, {{"content-type", "text/event-stream"}}};
    bool open = co_await responder.Start(std::move(head));
    while (open) {
      SharedBytes piece = events_.front();
      open = co_await responder.Write(std::move(piece));
      timer.expires_after(std::chrono::milliseconds(100));
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

  const SharedBytes answer_{Answer()};
  const std::vector<SharedBytes> events_ = {
      SharedBytes(Event(R"({"role":"assistant","content":"x"})", "null")),
      SharedBytes(Event(R"({"content":"y"})", "null")),
      SharedBytes(Event("{}", R"("stop")") + "data: [DONE]\n\n"),
  };
};

int Main(int argc, char** argv) {
  asio::io_context control;
  const auto port = static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0);
  auto listener = gateway::HttpListener::Bind(control, "127.0.0.1", port);
  if (!listener.ok()) {
    std::cerr << listener.status().ToString() << std::endl;
    return 1;
  }
  const gateway::ServerLimits limits;
  BenchHandler handlers[2];
  std::vector<std::unique_ptr<gateway::HttpWorker>> workers;
  gateway::HttpListener::Plan plan{
      .workers = {}, .max_connections = 100'000, .log = [](const std::string&) {}};
  for (BenchHandler& handler : handlers) {
    workers.push_back(std::make_unique<gateway::HttpWorker>(limits));
    workers.back()->Start(handler);
    plan.workers.push_back(workers.back().get());
  }
  (*listener)->Start(std::move(plan));
  std::cout << "listening on " << (*listener)->url() << std::endl;
  control.run();
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
