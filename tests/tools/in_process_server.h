// InProcessServer: the HTTP server around a handler of the test, with limits of the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "exchange.h"
#include "http_listener.h"
#include "http_worker.h"
#include "server_limits.h"

namespace larder::testing {

// A handler from a function.
class FunctionHandler final : public gateway::Handler {
 public:
  using Function =
      std::function<boost::asio::awaitable<void>(gateway::ServerRequest&, gateway::Responder&)>;

  explicit FunctionHandler(Function function) : function_(std::move(function)) {}

  boost::asio::awaitable<void> Handle(gateway::ServerRequest& request,
                                      gateway::Responder& responder) override {
    return function_(request, responder);
  }
  std::string ErrorBody(int, std::string_view message,
                        const gateway::ServerRequest&) const override {
    return std::string(message);
  }

 private:
  Function function_;
};

class InProcessServer {
 public:
  explicit InProcessServer(FunctionHandler::Function function,
                           const gateway::ServerLimits& limits = {},
                           std::size_t max_connections = 1000,
                           std::size_t max_connections_per_client = 0);
  // Drains.
  ~InProcessServer();

  const std::string& url() const { return url_; }
  std::size_t connections() const { return worker_.connections(); }
  // Stops accepting and lets the worker end; false if it has not after a minute.
  bool Drain();

 private:
  const gateway::ServerLimits limits_;
  gateway::ClientConnections clients_;
  FunctionHandler handler_;
  gateway::HttpWorker worker_;
  boost::asio::io_context control_;
  std::unique_ptr<gateway::HttpListener> listener_;
  std::string url_;
  std::thread thread_;
};

}  // namespace larder::testing
