#include "curl_http_service.h"

#include <memory>
#include <utility>

namespace larder::client {

CurlHttpService::CurlHttpService(boost::asio::io_context& io, UpstreamAddress upstream,
                                 const Timeouts& timeouts)
    : io_(io),
      upstream_(std::move(upstream)),
      timeouts_(timeouts),
      connections_(std::make_shared<CredentialConnections>(io)) {}

boost::asio::awaitable<Result<Response>> CurlHttpService::Send(Request request) {
  std::shared_ptr<const CurlConnections> connections = connections_->For(request.credential);
  auto transfer = std::make_unique<CurlTransfer>(io_, upstream_, timeouts_, std::move(request),
                                                 std::move(connections));
  Result<ResponseHead> head = co_await transfer->Open();
  if (!head.ok()) co_return head.status();
  Response response;
  response.head = *std::move(head);
  response.head.cache.forward = Forward::kBypass;  // until a cache says more
  response.body = std::move(transfer);
  co_return response;
}

}  // namespace larder::client
