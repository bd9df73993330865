// Authenticator: puts a provider's own credential on requests. One for each method of
// `providers.*.auth`; see docs/configuration.md, "Credentials of our own".
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>

#include "auth/token_cache.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/config.h"
#include "larder/client/message.h"
#include "larder/clock.h"
#include "larder/result.h"

namespace larder::client {

// Used on one io_context; lives as long as a call of it.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // Sets the credential as it is now, and its number. The callers' own were taken off before. Done
  // by the request's deadline. Errors: any; the message names the source, never the secret.
  virtual boost::asio::awaitable<Status> Apply(Request& request) = 0;
  // The upstream answered this to a request with these headers. Whether it refused the credential,
  // and Apply() may come up with a better one now.
  virtual bool MayCure(const Headers& sent, const ResponseHead& answer) = 0;
};

struct AuthenticatorParts {
  boost::asio::io_context& io;
  boost::asio::thread_pool& pool;  // for what blocks
  const ProviderConfig& provider;
  // Shared by all stacks of the provider.
  std::shared_ptr<TokenCache> tokens;
  const Clock& clock = Clock::System();
};

// Null for pass-through: the caller's credential goes up as it came. The configuration must be one
// that ReadClientConfig() gave.
std::shared_ptr<Authenticator> MakeAuthenticator(const AuthenticatorParts& parts);

}  // namespace larder::client
