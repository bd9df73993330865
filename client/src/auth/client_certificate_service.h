// ClientCertificateService: the decorator that has connections made with a certificate of ours.
// Read anew for each request, so that one that was renewed counts at once.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <string>

#include "auth/credential_number.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/tls_config.h"

namespace larder::client {

class ClientCertificateService final : public HttpService {
 public:
  // `tls` has a client_certificate and a client_key.
  ClientCertificateService(boost::asio::io_context& io, boost::asio::thread_pool& pool,
                           std::string provider, TlsConfig tls, std::shared_ptr<HttpService> inner)
      : io_(io),
        pool_(pool),
        provider_(std::move(provider)),
        tls_(std::move(tls)),
        inner_(std::move(inner)) {}

  // Errors besides those of `inner`: kInternal (a file or secret that is not where it should be).
  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  boost::asio::io_context& io_;
  boost::asio::thread_pool& pool_;
  const std::string provider_;
  const TlsConfig tls_;
  const std::shared_ptr<HttpService> inner_;
  const std::shared_ptr<CredentialNumber> number_ = std::make_shared<CredentialNumber>();
};

}  // namespace larder::client
