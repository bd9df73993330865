#include "curl_http_service.h"

#include <memory>
#include <utility>

#include "curl_transfer.h"

namespace larder::client {

CurlHttpService::CurlHttpService(boost::asio::io_context& io, std::string base_url,
                                 const Timeouts& timeouts)
    : io_(io), base_url_(std::move(base_url)), timeouts_(timeouts) {}

boost::asio::awaitable<Result<Response>> CurlHttpService::Send(Request request) {
  auto transfer = std::make_unique<CurlTransfer>(io_, timeouts_, std::move(request), base_url_);
  Result<ResponseHead> head = co_await transfer->Open();
  if (!head.ok()) co_return head.status();
  Response response;
  response.head = *std::move(head);
  response.body = std::move(transfer);
  co_return response;
}

}  // namespace larder::client
