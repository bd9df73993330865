// TokenFetch: where tokens come from: OAuth's client credentials, a Google service account, a
// command. Each is what TokenCache calls when it needs one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>

#include "auth/token_cache.h"
#include "larder/client/config.h"
#include "larder/clock.h"

namespace larder::client {

struct TokenFetchParts {
  boost::asio::io_context& io;
  boost::asio::thread_pool& pool;
  const Clock& clock;
};

// A fetch owns all that it uses but `parts`, which must outlive the io_context's tasks. Secrets are
// resolved anew in each.

// RFC 6749, section 4.4.
TokenFetch FetchByOAuth2(const TokenFetchParts& parts, const AuthConfig& auth);
// RFC 7523: a signed assertion of the service account for a token of the scope.
TokenFetch FetchByGoogle(const TokenFetchParts& parts, const AuthConfig& auth);
// A program that prints one.
TokenFetch FetchByCommand(const TokenFetchParts& parts, const AuthConfig& auth);

}  // namespace larder::client
