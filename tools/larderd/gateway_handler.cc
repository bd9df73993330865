#include "gateway_handler.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "error_answer.h"
#include "larder/client/cache_status.h"
#include "larder/client/directives.h"
#include "larder/client/error_body.h"

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

std::vector<SharedBytes> AsBody(std::string text) {
  std::vector<SharedBytes> body;
  body.emplace_back(std::move(text));
  return body;
}

asio::awaitable<void> SendError(Responder& responder, std::string_view dialect, int status,
                                std::string_view message) {
  AnswerHead head = ErrorHead(status);
  std::vector<SharedBytes> body = AsBody(client::ErrorBody(dialect, status, message));
  co_await responder.Send(std::move(head), std::move(body));
}

// What goes upstream: all but what is between the caller and us alone.
client::Request ToUpstream(const UpstreamRoute& route, ServerRequest& request,
                           client::Directives directives) {
  client::Request upstream;
  upstream.method = std::move(request.method);
  upstream.target = route.target;
  upstream.headers = std::move(request.headers);
  upstream.headers.RemoveHopByHop();
  client::RemoveDirectives(upstream.headers);
  // These speak of this hop's host and framing; the transport writes its own.
  for (const char* name : {"host", "content-length", "expect"}) upstream.headers.Remove(name);
  upstream.body = std::move(request.body);
  upstream.directives = std::move(directives);
  return upstream;
}

// What goes to the caller: the answer's own fields, and what the cache did.
AnswerHead ToCaller(client::ResponseHead head) {
  AnswerHead answer{head.status, std::move(head.headers)};
  answer.headers.RemoveHopByHop();
  const std::string theirs = answer.headers.Joined("cache-status");
  const std::string ours = client::FormatCacheStatus(head.cache);
  answer.headers.Set("cache-status", theirs.empty() ? ours : theirs + ", " + ours);
  if (head.cache.age) {
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(*head.cache.age);
    answer.headers.Set("age", std::to_string(std::max<std::int64_t>(age.count(), 0)));
  }
  if (!head.cache.hit()) return answer;
  if (const std::string saved = client::FormatSaved(head.cache); !saved.empty()) {
    answer.headers.Set("larder-saved", saved);
  }
  return answer;
}

// A hit lies in memory whole: one write, with its length.
asio::awaitable<void> SendWhole(client::Response& response, AnswerHead head, Responder& responder) {
  std::vector<SharedBytes> pieces;
  while (true) {
    Result<SharedBytes> piece = co_await response.body->Read();
    if (!piece.ok()) co_return;
    if (piece->empty()) break;
    pieces.push_back(*std::move(piece));
  }
  co_await responder.Send(std::move(head), std::move(pieces));
}

// Each piece as it comes, the next one only when it is written.
asio::awaitable<Status> Relay(client::Response& response, AnswerHead head, Responder& responder) {
  bool open = co_await responder.Start(std::move(head));
  while (open) {
    Result<SharedBytes> piece = co_await response.body->Read();
    if (!piece.ok()) co_return piece.status();
    if (piece->empty()) {
      co_await responder.Finish();
      break;
    }
    SharedBytes bytes = *std::move(piece);
    open = co_await responder.Write(std::move(bytes));
  }
  co_return Status::Ok();
}

// No disk is waited for: what it says of the disk must come out when that hangs.
std::string Readiness(const Health& health) {
  if (health.state == HealthState::kServing) return R"({"status":"ready","degraded":false})";
  return R"({"status":"ready","degraded":true,"state":")" +
         std::string(HealthStateName(health.state)) + R"(","reason":")" +
         std::string(HealthReasonName(health.reason)) + R"("})";
}

}  // namespace

GatewayHandler::GatewayHandler(std::shared_ptr<const Routes> routes, Stacks stacks,
                               const Cache& cache, Log& log)
    : routes_(std::move(routes)), stacks_(std::move(stacks)), cache_(cache), log_(log) {}

void GatewayHandler::Replace(std::shared_ptr<const Routes> routes, Stacks stacks) {
  routes_ = std::move(routes);
  stacks_ = std::move(stacks);
}

std::string GatewayHandler::ErrorBody(int status, std::string_view message,
                                      const ServerRequest& request) const {
  const Route route = routes_->Find(request);
  const auto* upstream = std::get_if<UpstreamRoute>(&route);
  return client::ErrorBody(upstream == nullptr ? "openai" : upstream->dialect, status, message);
}

asio::awaitable<void> GatewayHandler::Handle(ServerRequest& request, Responder& responder) {
  const Route route = routes_->Find(request);
  if (const auto* page = std::get_if<OwnPage>(&route)) {
    co_await ShowOwnPage(*page, request, responder);
    co_return;
  }
  co_await Forward(std::get<UpstreamRoute>(route), request, responder);
}

asio::awaitable<void> GatewayHandler::ShowOwnPage(OwnPage page, const ServerRequest& request,
                                                  Responder& responder) {
  if (page == OwnPage::kUnknown) {
    co_await SendError(responder, "openai", 404, "the gateway has no such page");
    co_return;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    co_await SendError(responder, "openai", 405, "the gateway's pages are read with GET");
    co_return;
  }
  AnswerHead head{200, {{"content-type", "application/json"}, {"cache-control", "no-store"}}};
  // Requests are answered with a store or without.
  std::string text = R"({"status":"ok"})";
  if (page != OwnPage::kHealth) text = Readiness(cache_.GetHealth());
  std::vector<SharedBytes> body = AsBody(std::move(text));
  co_await responder.Send(std::move(head), std::move(body));
}

asio::awaitable<void> GatewayHandler::Forward(const UpstreamRoute& route, ServerRequest& request,
                                              Responder& responder) {
  Result<client::Directives> directives = client::ParseDirectives(request.headers);
  if (!directives.ok()) {
    const std::string message = directives.status().message();
    co_await SendError(responder, route.dialect, 400, message);
    co_return;
  }
  const auto stack = stacks_.find(route.provider);
  if (stack == stacks_.end()) {
    const std::string message =
        "no provider for this path: name one as /<provider>/..., or set "
        "gateway.default_provider." +
        route.dialect;
    co_await SendError(responder, route.dialect, 404, message);
    co_return;
  }
  // Such a caller had one attempt of ours, and makes the others itself: for it nothing is final.
  const bool retries_itself = request.headers.Has("x-stainless-retry-count");
  client::Request upstream = ToUpstream(route, request, *std::move(directives));
  Result<client::Response> sent = co_await stack->second->Send(std::move(upstream));
  if (!sent.ok()) {
    LogFailure(route, sent.status());
    const int status = ToHttpStatus(sent.status().code());
    AnswerHead head = ErrorHead(status);
    if (retries_itself && status > 500) head.headers.Remove("x-should-retry");
    std::vector<SharedBytes> body =
        AsBody(client::ErrorBody(route.dialect, status, sent.status().message()));
    co_await responder.Send(std::move(head), std::move(body));
    co_return;
  }
  client::Response response = *std::move(sent);
  const bool hit = response.head.cache.hit();
  AnswerHead head = ToCaller(std::move(response.head));
  if (hit) {
    co_await SendWhole(response, std::move(head), responder);
    co_return;
  }
  const Status relayed = co_await Relay(response, std::move(head), responder);
  if (!relayed.ok()) LogFailure(route, relayed);
}

void GatewayHandler::LogFailure(const UpstreamRoute& route, const Status& status) {
  if (status.code() == StatusCode::kCancelled) return;  // the caller hung up: his own choice
  log_.Write(LogLevel::kWarning, "upstream failed",
             {{"provider", route.provider}, {"why", status.ToString()}});
}

}  // namespace larder::gateway
