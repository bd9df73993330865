#include "curl_http_service.h"

#include <memory>
#include <utility>

namespace larder::client {

CurlHttpService::CurlHttpService(boost::asio::io_context& io, std::string base_url,
                                 const Timeouts& timeouts, std::string proxy)
    : io_(io), upstream_{std::move(base_url), std::move(proxy)}, timeouts_(timeouts) {}

boost::asio::awaitable<Result<Response>> CurlHttpService::Send(Request request) {
  auto transfer = std::make_unique<CurlTransfer>(io_, upstream_, timeouts_, std::move(request));
  Result<ResponseHead> head = co_await transfer->Open();
  if (!head.ok()) co_return head.status();
  Response response;
  response.head = *std::move(head);
  response.body = std::move(transfer);
  co_return response;
}

}  // namespace larder::client
