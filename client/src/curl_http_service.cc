#include "curl_http_service.h"

#include <memory>
#include <utility>

namespace larder::client {

CurlHttpService::CurlHttpService(boost::asio::io_context& io, UpstreamAddress upstream,
                                 const Timeouts& timeouts)
    : io_(io), upstream_(std::move(upstream)), timeouts_(timeouts) {}

// Null: those of the io_context, which all share. What carried an older credential is closed when
// the last transfer on it has ended.
std::shared_ptr<const CurlConnections> CurlHttpService::ConnectionsFor(std::uint64_t credential) {
  if (credential == 0) return nullptr;
  if (credential < credential_) return std::make_shared<const CurlConnections>();
  if (credential > credential_) {
    credential_ = credential;
    connections_ = std::make_shared<const CurlConnections>();
  }
  return connections_;
}

boost::asio::awaitable<Result<Response>> CurlHttpService::Send(Request request) {
  std::shared_ptr<const CurlConnections> connections = ConnectionsFor(request.credential);
  auto transfer = std::make_unique<CurlTransfer>(io_, upstream_, timeouts_, std::move(request),
                                                 std::move(connections));
  Result<ResponseHead> head = co_await transfer->Open();
  if (!head.ok()) co_return head.status();
  Response response;
  response.head = *std::move(head);
  response.body = std::move(transfer);
  co_return response;
}

}  // namespace larder::client
