#include "fallback_service.h"

#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "handoff.h"
#include "json_slices.h"
#include "json_text.h"
#include "policy_bypass.h"
#include "retry_rule.h"

namespace larder::client {
namespace {

// What comes from no cache at all looks like a hit, but for the key.
bool IsFromCache(const ResponseHead& head) { return head.cache.hit() && !head.cache.key.empty(); }

bool IsInTrouble(const Result<Response>& result) {
  const StatusCode code = result.status().code();
  if (result.ok()) return !IsFromCache(result->head) && IsTrouble(result->head.status);
  return code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded;
}

// What depends on state that a provider keeps means nothing to another; and what we do not know
// may be anything, and so may a body that was not read. Of plain HTTP it is the policy that knows
// which calls depend on none.
bool MeansTheSameElsewhere(const FallbackParts& parts, const Request& request) {
  if (request.directives.only_if_cached) return false;
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  const RequestPlan plan = parts.dialect.Plan(request.method, path, request.body);
  if (plan.bypass == "unknown-endpoint" || IsUnread(plan)) return false;
  if (plan.bypass != "stateful") return true;
  if (!plan.endpoint->is_plain_http()) return false;
  const PolicyDecision decision = parts.policy.Decide({.provider = parts.provider,
                                                       .path = path,
                                                       .model = plan.model,
                                                       .headers = request.headers,
                                                       .body = request.body});
  return decision.cache_stateful;
}

// What others would answer is for nobody any more.
bool IsPastItsDeadline(const Request& request) {
  return request.deadline && std::chrono::steady_clock::now() >= *request.deadline;
}

// The body as it is, but for the name that has to change. It was looked at as far as its dialect
// does, which of plain HTTP is not at all: so it is walked over, and no tree is made of it.
void MapModel(const std::map<std::string, std::string>& models, std::string& body) {
  if (models.empty()) return;
  const std::string_view model = FindMemberText(body, "model");
  const std::optional<std::string> name = ReadString(model);
  if (!name) return;
  const auto mapped = models.find(*name);
  if (mapped == models.end()) return;
  std::string text;
  AppendJsonString(mapped->second, text);
  body.replace(static_cast<std::size_t>(model.data() - body.data()), model.size(), text);
}

boost::asio::awaitable<Result<Response>> Ask(const Fallback& target, Request request) {
  MapModel(target.models, request.body);
  Result<Response> result = co_await target.service->Send(std::move(request));
  if (result.ok() && result->head.cache.detail.empty()) result->head.cache.detail = "fallback";
  co_return result;
}

}  // namespace

boost::asio::awaitable<Result<Response>> FallbackService::Send(Request request) {
  const std::shared_ptr<const FallbackParts> parts = parts_;
  if (parts->targets.empty()) co_return co_await parts->primary->Send(std::move(request));
  const Request again = request;
  Result<Response> own = co_await parts->primary->Send(std::move(request));
  if (!IsInTrouble(own)) co_return own;
  auto state = co_await boost::asio::this_coro::cancellation_state;
  if (IsCancelled(state) || !MeansTheSameElsewhere(*parts, again)) co_return own;
  for (const Fallback& target : parts->targets) {
    if (IsPastItsDeadline(again)) break;
    ++parts->health->counters->fallbacks;
    Result<Response> theirs = co_await Ask(target, again);
    state = co_await boost::asio::this_coro::cancellation_state;
    if (IsCancelled(state)) co_return Status(StatusCode::kCancelled, "the caller gave up");
    const bool refused = !theirs.ok() || theirs->head.status >= 400;
    if (!refused) co_return theirs;
  }
  co_return own;
}

}  // namespace larder::client
