#include "gateway_handler.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "error_answer.h"
#include "larder/client/cache_status.h"
#include "larder/client/directives.h"
#include "larder/client/error_body.h"
#include "metrics_page.h"
#include "own_invalidation.h"

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

// Of a request; smaller ones are bounded by the number of calls to an upstream.
constexpr std::size_t kLargeBody = std::size_t{64} << 10;

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

// `allowed` as in the field Allow (RFC 9110, section 15.5.6).
asio::awaitable<void> RefuseMethod(Responder& responder, const char* allowed,
                                   std::string_view message) {
  constexpr int kMethodNotAllowed = 405;
  AnswerHead head = ErrorHead(kMethodNotAllowed);
  head.headers.Set("allow", allowed);
  std::vector<SharedBytes> body = AsBody(client::ErrorBody("openai", kMethodNotAllowed, message));
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
  if (!head.cache.explanation.empty() && !head.cache.hit()) {
    answer.headers.Set("larder-explain", head.cache.explanation);
  }
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

// Whether its body is all there: batches are put together before they are answered, and are never
// streams.
bool IsWhole(const client::CacheOutcome& cache, bool is_batch) {
  const bool passes = cache.forward == client::Forward::kBypass;
  return cache.hit() || cache.stored || (is_batch && !passes);
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

// Comes back when it is on disk; done to its end though the caller may have gone.
asio::awaitable<Result<std::uint64_t>> InvalidateOnPool(const HandlerParts& parts,
                                                        Invalidation what) {
  using Done = std::optional<Result<std::uint64_t>>;  // Asio wants a value before there is one
  auto work = [&cache = parts.cache, what = std::move(what)]() -> asio::awaitable<Done> {
    co_return cache.Invalidate(what);
  };
  const auto pool = parts.pool.get_executor();
  Done done = co_await asio::co_spawn(pool, std::move(work), asio::use_awaitable);
  co_return *std::move(done);
}

// No disk is waited for: what it says of the disk must come out when that hangs.
std::string Readiness(const Health& health) {
  if (health.state == HealthState::kServing) return R"({"status":"ready","degraded":false})";
  return R"({"status":"ready","degraded":true,"state":")" +
         std::string(HealthStateName(health.state)) + R"(","reason":")" +
         std::string(HealthReasonName(health.reason)) + R"("})";
}

}  // namespace

GatewayHandler::GatewayHandler(Plan plan, HandlerParts parts)
    : plan_(std::move(plan)), parts_(std::move(parts)) {}

std::string GatewayHandler::ErrorBody(int status, std::string_view message,
                                      const ServerRequest& request) const {
  const Route route = plan_.routes->Find(request);
  const auto* upstream = std::get_if<UpstreamRoute>(&route);
  return client::ErrorBody(upstream == nullptr ? "openai" : upstream->dialect, status, message);
}

asio::awaitable<void> GatewayHandler::Handle(ServerRequest& request, Responder& responder) {
  const Route route = plan_.routes->Find(request);
  const auto* page = std::get_if<OwnPage>(&route);
  const EndpointLabel endpoint = page != nullptr ? EndpointLabel::kOwn : EndpointOf(request.path());
  MeteredResponder metered(responder, parts_.metrics, endpoint);
  if (page != nullptr && *page == OwnPage::kInvalidate) {
    co_await Invalidate(request, metered);
    co_return;
  }
  if (page != nullptr) {
    co_await ShowOwnPage(*page, request, metered);
    co_return;
  }
  co_await Forward(std::get<UpstreamRoute>(route), request, metered);
}

asio::awaitable<void> GatewayHandler::ShowOwnPage(OwnPage page, const ServerRequest& request,
                                                  Responder& responder) {
  if (page == OwnPage::kUnknown) {
    co_await SendError(responder, "openai", 404, "the gateway has no such page");
    co_return;
  }
  if (request.method != "GET" && request.method != "HEAD") {
    co_await RefuseMethod(responder, "GET, HEAD", "the gateway's pages are read with GET");
    co_return;
  }
  if (page == OwnPage::kMetrics && !parts_.metrics_page) {
    co_await SendError(responder, "openai", 404,
                       "metrics are shown on the admin socket, or here where larderd listens on "
                       "loopback and metrics.enabled is true");
    co_return;
  }
  AnswerHead head{200, {{"content-type", "application/json"}, {"cache-control", "no-store"}}};
  // Requests are answered with a store or without.
  std::string text = R"({"status":"ok"})";
  if (page == OwnPage::kReady) text = Readiness(parts_.cache.GetHealth());
  if (page == OwnPage::kMetrics) {
    text = parts_.metrics_page();
    head.headers.Set("content-type", kMetricsType);
  }
  std::vector<SharedBytes> body = AsBody(std::move(text));
  co_await responder.Send(std::move(head), std::move(body));
}

asio::awaitable<void> GatewayHandler::Invalidate(ServerRequest& request, Responder& responder) {
  const UpstreamRoute shape{.provider = {}, .dialect = "openai", .target = {}};  // of an error
  if (request.method != "POST") {
    co_await RefuseMethod(responder, "POST", "tags are invalidated with POST");
    co_return;
  }
  client::Request asked;
  asked.target = std::move(request.target);
  asked.headers = std::move(request.headers);
  asked.body = std::move(request.body);
  Result<client::Directives> directives = client::ParseDirectives(asked.headers);
  if (directives.ok()) asked.directives = *directives;
  std::set<std::string> scopes;
  const std::string secret(parts_.cache.StoreSecret());
  const std::optional<Denial> denial = AdmitToOwn(Rules(*plan_.callers), asked, scopes);
  if (denial) {
    co_await Deny(shape, *denial, responder);
    co_return;
  }
  if (asked.body.size() > kMaxInvalidationBytes) {
    const std::string message = "a body of " + std::to_string(asked.body.size()) +
                                " bytes is over the limit of " +
                                std::to_string(kMaxInvalidationBytes) + " for tags";
    co_await SendError(responder, shape.dialect, 413, message);
    co_return;
  }
  Result<Invalidation> what = directives.status();
  if (directives.ok()) what = ReadOwnInvalidation(asked, scopes);
  Result<std::uint64_t> number = what.status();
  if (what.ok()) number = co_await InvalidateOnPool(parts_, *std::move(what));
  // The scopes were those of a cache that was not open yet: nothing was covered.
  if (number.ok() && secret != parts_.cache.StoreSecret()) {
    number = Status(StatusCode::kUnavailable, "the cache has just been opened: ask again");
  }
  if (!number.ok()) {
    const Status status = number.status();
    // Not acknowledged, and worth trying again.
    const bool later = status.code() == StatusCode::kUnavailable;
    const int http_status = later ? 503 : ToHttpStatus(status.code());
    co_await SendError(responder, shape.dialect, http_status, status.message());
    co_return;
  }
  AnswerHead head{200, {{"content-type", "application/json"}, {"cache-control", "no-store"}}};
  std::vector<SharedBytes> body = AsBody(R"({"number":)" + std::to_string(*number) + "}");
  co_await responder.Send(std::move(head), std::move(body));
}

asio::awaitable<void> GatewayHandler::Forward(const UpstreamRoute& route, ServerRequest& request,
                                              MeteredResponder& responder) {
  Result<client::Directives> directives = client::ParseDirectives(request.headers);
  if (!directives.ok()) {
    parts_.metrics.Count(TurnedAway::kDirective);
    const std::string message = directives.status().message();
    co_await SendError(responder, route.dialect, 400, message);
    co_return;
  }
  const auto found = plan_.stacks.find(route.provider);
  if (found == plan_.stacks.end()) {
    const std::string message =
        "no provider for this path: name one as /<provider>/..., or set "
        "gateway.default_provider." +
        route.dialect;
    co_await SendError(responder, route.dialect, 404, message);
    co_return;
  }
  // Such a caller had one attempt of ours, and makes the others itself: for it nothing is final.
  const bool retries_itself = request.headers.Has("x-stainless-retry-count");
  const bool asked_for_hits = directives->only_if_cached;
  const std::shared_ptr<const Callers> callers = plan_.callers;  // may be replaced meanwhile
  client::HttpService& stack = *found->second;
  client::Request upstream = ToUpstream(route, request, *std::move(directives));
  Admission admission;
  const std::optional<Denial> denial = Admit(Rules(*callers), route, upstream, admission);
  if (denial) {
    co_await Deny(route, *denial, responder);
    co_return;
  }
  // Its caller may go while the call goes on, and this lives as long as the call does.
  if (request.room != nullptr && upstream.body.size() > kLargeBody) {
    upstream.on_cost = [room = request.room](std::uint64_t) {};
  }
  if (admission.account != nullptr) {
    upstream.on_cost = [account = admission.account, room = request.room](std::uint64_t microusd) {
      account->Spend(microusd, Today());
    };
    upstream.directives.only_if_cached = asked_for_hits || admission.only_hits;
  }
  Result<client::Response> sent = co_await stack.Send(std::move(upstream));
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
  const bool unpaid = admission.only_hits && !asked_for_hits && !response.head.cache.hit();
  if (unpaid) {
    const Denial spent = OutOfBudget();
    co_await Deny(route, spent, responder);
    co_return;
  }
  Status relayed;
  const bool is_batch =
      responder.endpoint() == EndpointLabel::kEmbeddings && route.dialect == "openai";
  if (IsWhole(response.head.cache, is_batch)) {
    relayed = co_await SendWhole(route, std::move(response), responder);
  } else {
    responder.Note(response.head.cache);
    AnswerHead head = ToCaller(std::move(response.head));
    relayed = co_await Relay(response, std::move(head), responder);
  }
  if (!relayed.ok()) LogFailure(route, relayed);
}

// One write, with its length. A caller may take its time with it, so it needs room beside what
// others take theirs with.
asio::awaitable<Status> GatewayHandler::SendWhole(const UpstreamRoute& route,
                                                  client::Response response,
                                                  MeteredResponder& responder) {
  std::vector<SharedBytes> pieces;
  while (true) {
    Result<SharedBytes> piece = co_await response.body->Read();
    if (!piece.ok()) co_return piece.status();
    if (piece->empty()) break;
    pieces.push_back(*std::move(piece));
  }
  response.body.reset();
  const AnswerMemory::Share share = parts_.answers.Take(pieces);
  if (share == nullptr) {
    parts_.metrics.Count(TurnedAway::kAnswerMemory);
    co_await SendError(responder, route.dialect, 503, "too many callers are reading large answers");
    co_return Status::Ok();
  }
  responder.Note(response.head.cache);
  AnswerHead head = ToCaller(std::move(response.head));
  co_await responder.Send(std::move(head), std::move(pieces));
  co_return Status::Ok();
}

asio::awaitable<void> GatewayHandler::Deny(const UpstreamRoute& route, const Denial& denial,
                                           Responder& responder) {
  parts_.metrics.Count(denial.reason);
  AnswerHead head = ErrorHead(denial.status);
  // Of the ways to send a key the one that has a name of its own (RFC 9110, section 15.5.2).
  if (denial.status == 401) head.headers.Set("www-authenticate", "Bearer");
  if (denial.retry_after) {
    head.headers.Remove("x-should-retry");
    head.headers.Set("retry-after", std::to_string(denial.retry_after->count()));
  }
  std::vector<SharedBytes> body =
      AsBody(client::ErrorBody(route.dialect, denial.status, denial.message));
  co_await responder.Send(std::move(head), std::move(body));
}

AdmissionRules GatewayHandler::Rules(const Callers& callers) const {
  return {.callers = callers,
          .isolation = parts_.isolation,
          .cassette = parts_.cassette,
          .store_secret = parts_.cache.StoreSecret()};
}

void GatewayHandler::LogFailure(const UpstreamRoute& route, const Status& status) {
  if (status.code() == StatusCode::kCancelled) return;  // the caller hung up: his own choice
  if (status.code() == StatusCode::kResourceExhausted) return;  // many, and all counted
  parts_.log.Write(LogLevel::kWarning, "upstream failed",
                   {{"provider", route.provider}, {"why", status.ToString()}});
}

}  // namespace larder::gateway
