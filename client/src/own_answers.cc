#include "own_answers.h"

#include <string_view>
#include <utility>
#include <vector>

#include "body_pieces.h"

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

}  // namespace

Response NotCached(const CachingCore& core) {
  constexpr int kGatewayTimeout = 504;
  Response response = OwnError(core, kGatewayTimeout, "not cached, and only-if-cached was asked");
  response.head.cache.forward = Forward::kMiss;
  response.head.cache.detail = "only-if-cached";
  return response;
}

boost::asio::awaitable<Result<Response>> PassThrough(std::shared_ptr<const CachingCore> core,
                                                     Request request, std::string detail) {
  Result<Response> response = co_await core->upstream->Send(std::move(request));
  if (!response.ok()) co_return response.status();
  response->head.cache.forward = Forward::kBypass;
  response->head.cache.detail = std::move(detail);
  co_return response;
}

}  // namespace larder::client
