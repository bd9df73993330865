#include "own_answers.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "body_pieces.h"
#include "json_slices.h"
#include "larder/client/request_model.h"
#include "metered_body.h"
#include "path_model.h"
#include "spending.h"

namespace larder::client {
namespace {

// An error answer of our own, which the caller's retries would not change.
Response OwnError(const CachingCore& core, int status, std::string_view message) {
  Response response;
  response.head.status = status;
  std::string body = core.dialect.ErrorBody(status, message);
  response.head.headers.Set("content-type", "application/json");
  response.head.headers.Set("content-length", std::to_string(body.size()));
  response.head.headers.Set("x-should-retry", "false");
  std::vector<SharedBytes> pieces;
  pieces.emplace_back(std::move(body));
  response.body = std::make_unique<BodyPieces>(std::move(pieces));
  return response;
}

// Of plain HTTP no usage is known.
RequestPlan WhatIsAsked(const CachingCore& core, const Request& request) {
  RequestPlan plan;
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  const Endpoint* endpoint = core.dialect.FindEndpoint(request.method, path);
  if (endpoint == nullptr || endpoint->is_plain_http()) return plan;
  plan.endpoint = endpoint;
  plan.model = ModelInPath(path).name;  // which comes before that of the body, as in Dialect::Plan
  if (!plan.model.empty()) return plan;
  plan.model = ReadString(FindMemberText(request.body, "model")).value_or("");
  return plan;
}

constexpr int kServiceUnavailable = 503;
constexpr int kGatewayTimeout = 504;

}  // namespace

Response NotRecorded(const CachingCore& core, std::string_view why) {
  Response response = OwnError(core, kGatewayTimeout, "not recorded: " + std::string(why));
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "not-recorded";
  return response;
}

Response NotReplayed(const CachingCore& core, const std::optional<Result<std::string>>& nearest) {
  if (nearest && nearest->ok()) return NotRecorded(core, **nearest);
  const std::string why = nearest ? nearest->status().message() : "the store does not answer";
  Response response = OwnError(core, kServiceUnavailable, "the recordings cannot be read: " + why);
  response.head.headers.Remove("x-should-retry");
  response.head.headers.Set("retry-after", "1");
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "store-unavailable";
  return response;
}

Response NotCached(const CachingCore& core) {
  if (core.cassette == CassetteMode::kReplay) {
    return NotRecorded(core, "a replay asks no provider");
  }
  Response response = OwnError(core, kGatewayTimeout, "not cached, and only-if-cached was asked");
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "only-if-cached";
  return response;
}

boost::asio::awaitable<Result<Response>> PassThrough(std::shared_ptr<const CachingCore> core,
                                                     Request request, std::string detail) {
  if (core->cassette == CassetteMode::kReplay) {
    co_return NotRecorded(*core, detail.empty() ? "no endpoint that is recorded" : detail);
  }
  SpendingMeter::OnCost on_cost;
  if (MayActAsPost(request)) on_cost = request.on_cost;
  PassingCall call{.core = core,
                   .plan = WhatIsAsked(*core, request),
                   .meter = SpendingMeter(core, std::move(on_cost))};
  Result<Response> response = co_await core->upstream->Send(std::move(request));
  call.meter.SeeHead(response);
  if (!response.ok()) co_return response.status();
  response->body = MeterBody(std::move(call), response->head, std::move(response->body));
  response->head.cache.forward = Forward::kBypass;
  response->head.cache.detail = std::move(detail);
  co_return response;
}

boost::asio::awaitable<Result<Response>> PassUncached(std::shared_ptr<const CachingCore> core,
                                                      Request request, std::string detail) {
  core->refusals->Add(detail);
  return PassThrough(std::move(core), std::move(request), std::move(detail));
}

}  // namespace larder::client
