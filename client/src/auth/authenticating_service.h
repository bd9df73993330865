// AuthenticatingService: the decorator that sends a provider's own credential in place of the
// callers'. An answer that refuses the credential leads to one more attempt, if there is another
// credential by then.
#pragma once

#include <memory>
#include <string>

#include "auth/authenticator.h"
#include "larder/client/asio/http_service.h"

namespace larder::client {

class AuthenticatingService final : public HttpService {
 public:
  AuthenticatingService(std::string provider, std::shared_ptr<Authenticator> authenticator,
                        std::shared_ptr<HttpService> inner)
      : provider_(std::move(provider)),
        authenticator_(std::move(authenticator)),
        inner_(std::move(inner)) {}

  // Errors besides those of `inner`: kInternal (a secret that is not where it should be),
  // kUnavailable and others (a token that cannot be had now); the message says why.
  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  const std::string provider_;
  const std::shared_ptr<Authenticator> authenticator_;
  const std::shared_ptr<HttpService> inner_;
};

}  // namespace larder::client
