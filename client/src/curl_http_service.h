// CurlHttpService: the transport at the bottom of the stack, on libcurl.
//
// HTTP/1.1 over TCP or TLS with connections kept for reuse. Redirects are not followed, bodies not
// decompressed, fields not added (but `host` and `content-length`). Which requests are sent again
// when a kept connection is dead: MayRepeat() in curl_request.h; all others fail.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "credential_connections.h"
#include "curl_connections.h"
#include "curl_transfer.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/config.h"

namespace larder::client {

class CurlHttpService final : public HttpService {
 public:
  // Its base URL must satisfy CheckBaseUrl(). Responses may outlive the service, but not `io`.
  CurlHttpService(boost::asio::io_context& io, UpstreamAddress upstream, const Timeouts& timeouts);

  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  boost::asio::io_context& io_;
  const UpstreamAddress upstream_;
  const Timeouts timeouts_;
  const std::shared_ptr<CredentialConnections> connections_;
};

}  // namespace larder::client
