// LimitingService: the decorator that lets a provider be sent only so many calls at a time.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <utility>

#include "call_gate.h"
#include "larder/client/asio/http_service.h"

namespace larder::client {

// A call is under way until its answer is read to the end or dropped. Errors besides those of
// `inner`: kResourceExhausted (the queue is full, or it took too long).
class LimitingService final : public HttpService {
 public:
  LimitingService(boost::asio::io_context& io, std::shared_ptr<HttpService> inner,
                  std::shared_ptr<CallGate> gate)
      : io_(io), inner_(std::move(inner)), gate_(std::move(gate)) {}
  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  boost::asio::io_context& io_;
  const std::shared_ptr<HttpService> inner_;
  const std::shared_ptr<CallGate> gate_;
};

}  // namespace larder::client
