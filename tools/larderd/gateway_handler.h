// GatewayHandler: what larderd does for a request: its own pages, or the client's stack.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "admission.h"
#include "answer_memory.h"
#include "callers.h"
#include "exchange.h"
#include "larder/cache.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/cassette.h"
#include "log.h"
#include "metered_responder.h"
#include "request_metrics.h"
#include "routes.h"
#include "tool_config.h"

namespace larder::gateway {

// What the handlers of a gateway share; all must outlive them.
struct HandlerParts {
  Cache& cache;
  boost::asio::thread_pool& pool;  // for what may block
  Log& log;
  RequestMetrics& metrics;
  AnswerMemory& answers;
  tools::Isolation isolation;
  client::CassetteMode cassette;
  std::function<std::string()> metrics_page;  // thread-safe; empty = not shown on this port
};

// One for each io thread, because a stack is.
class GatewayHandler final : public Handler {
 public:
  using Stacks = std::map<std::string, std::unique_ptr<client::HttpService>>;

  // What the configuration can change while the gateway runs.
  struct Plan {
    std::shared_ptr<const Routes> routes;
    std::shared_ptr<const Callers> callers;
    Stacks stacks;  // one for every provider that `routes` knows
  };
  GatewayHandler(Plan plan, HandlerParts parts);

  // For the requests from now on; on the io thread. What is under way ends as it began.
  void Replace(Plan plan) { plan_ = std::move(plan); }

  boost::asio::awaitable<void> Handle(ServerRequest& request, Responder& responder) override;
  std::string ErrorBody(int status, std::string_view message,
                        const ServerRequest& request) const override;
  void OnRefused(int status) override { parts_.metrics.Count(TurnedAwayBy(status)); }

 private:
  boost::asio::awaitable<void> ShowOwnPage(OwnPage page, const ServerRequest& request,
                                           Responder& responder);
  // A caller's own tags.
  boost::asio::awaitable<void> Invalidate(ServerRequest& request, Responder& responder);
  boost::asio::awaitable<void> Forward(const UpstreamRoute& route, ServerRequest& request,
                                       MeteredResponder& responder);
  boost::asio::awaitable<void> Deny(const UpstreamRoute& route, const Denial& denial,
                                    Responder& responder);
  // A hit, or what else is all there before its head is.
  boost::asio::awaitable<Status> SendWhole(const UpstreamRoute& route, client::Response response,
                                           MeteredResponder& responder);
  AdmissionRules Rules(const Callers& callers) const;
  void LogFailure(const UpstreamRoute& route, const Status& status);

  Plan plan_;
  const HandlerParts parts_;
};

}  // namespace larder::gateway
