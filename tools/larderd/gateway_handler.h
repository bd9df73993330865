// GatewayHandler: what larderd does for a request: its own pages, or the client's stack.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "exchange.h"
#include "larder/cache.h"
#include "larder/client/asio/http_service.h"
#include "log.h"
#include "routes.h"

namespace larder::gateway {

// One for each io thread, because a stack is.
class GatewayHandler final : public Handler {
 public:
  using Stacks = std::map<std::string, std::unique_ptr<client::HttpService>>;

  // `stacks` has one for every provider that `routes` knows. The references must outlive this.
  GatewayHandler(std::shared_ptr<const Routes> routes, Stacks stacks, const Cache& cache, Log& log);

  // For the requests from now on; on the io thread. What is under way ends as it began.
  void Replace(std::shared_ptr<const Routes> routes, Stacks stacks);

  boost::asio::awaitable<void> Handle(ServerRequest& request, Responder& responder) override;
  std::string ErrorBody(int status, std::string_view message,
                        const ServerRequest& request) const override;

 private:
  boost::asio::awaitable<void> ShowOwnPage(OwnPage page, const ServerRequest& request,
                                           Responder& responder);
  boost::asio::awaitable<void> Forward(const UpstreamRoute& route, ServerRequest& request,
                                       Responder& responder);
  void LogFailure(const UpstreamRoute& route, const Status& status);

  std::shared_ptr<const Routes> routes_;
  Stacks stacks_;
  const Cache& cache_;
  Log& log_;
};

}  // namespace larder::gateway
