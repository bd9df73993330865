#include "own_answers.h"

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "body_pieces.h"
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

// An answer that nobody reads the usage of: what it cost is told when it is gone.
class MeteredBody final : public BodyReader {
 public:
  MeteredBody(std::unique_ptr<BodyReader> inner, SpendingMeter meter)
      : meter_(std::move(meter)), inner_(std::move(inner)) {}

  boost::asio::awaitable<Result<SharedBytes>> Read() override { return inner_->Read(); }

 private:
  const SpendingMeter meter_;  // goes last: it may be what keeps the upstream alive
  const std::unique_ptr<BodyReader> inner_;
};

constexpr int kGatewayTimeout = 504;

}  // namespace

Response NotRecorded(const CachingCore& core, std::string_view why) {
  Response response = OwnError(core, kGatewayTimeout, "not recorded: " + std::string(why));
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "not-recorded";
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
  if (request.method == "POST") on_cost = request.on_cost;
  SpendingMeter meter(core, std::move(on_cost));
  Result<Response> response = co_await core->upstream->Send(std::move(request));
  meter.SeeHead(response);
  if (!response.ok()) co_return response.status();
  response->body = std::make_unique<MeteredBody>(std::move(response->body), std::move(meter));
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
