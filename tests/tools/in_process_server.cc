#include "in_process_server.h"

#include <boost/asio/post.hpp>
#include <stdexcept>
#include <utility>

namespace larder::testing {

InProcessServer::InProcessServer(FunctionHandler::Function function,
                                 const gateway::ServerLimits& limits, std::size_t max_connections,
                                 std::size_t max_connections_per_client)
    : limits_(limits),
      clients_(max_connections_per_client),
      handler_(std::move(function)),
      worker_(limits_) {
  auto listener = gateway::HttpListener::Bind(control_, "127.0.0.1", 0);
  if (!listener.ok()) throw std::runtime_error(listener.status().ToString());
  listener_ = *std::move(listener);
  url_ = listener_->url();
  worker_.Start(handler_);
  listener_->Start({.workers = {&worker_},
                    .max_connections = max_connections,
                    .clients = &clients_,
                    .log = [](const auto&) {}});
  thread_ = std::thread([this] { control_.run(); });
}

InProcessServer::~InProcessServer() { Drain(); }

bool InProcessServer::Drain() {
  if (thread_.joinable()) {
    boost::asio::post(control_, [this] { listener_->Stop(); });
    thread_.join();
    worker_.Drain();
  }
  return worker_.WaitForEnd(std::chrono::minutes(1));
}

}  // namespace larder::testing
