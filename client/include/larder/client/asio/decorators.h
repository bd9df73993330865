// The decorators of the client, each by itself: for stacks that MakeStack does not build.
//
//   auto http = MakeHttp(io, provider);
//   auto retrying = MakeRetrying(io, provider, *http, board);
//   auto caching = MakeCaching({.io = io, .pool = pool, .cache = &cache}, config, "openai",
//   retrying);
//
// Each works on one io_context and holds what it decorates. Any HttpService may stand in for any.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "larder/client/asio/http_service.h"
#include "larder/client/asio/stack.h"
#include "larder/client/call_limits.h"
#include "larder/client/config.h"
#include "larder/client/health_board.h"
#include "larder/result.h"

namespace larder::client {

// The transport: base_url, timeouts, proxy and tls of `provider`, but for its client certificate.
// Errors: kInvalidArgument (its base URL; a file of tls that cannot be read).
Result<std::shared_ptr<HttpService>> MakeHttp(boost::asio::io_context& io,
                                              const ProviderConfig& provider);

// Puts the provider's own credential in place of the caller's, and has connections made with its
// client certificate, as `provider.auth` and `provider.tls` say; `inner` itself if they say
// nothing. Uses `parts.io`, `parts.pool` and `parts.credentials`.
std::shared_ptr<HttpService> MakeAuthenticating(const StackParts& parts,
                                                const ProviderConfig& provider,
                                                std::shared_ptr<HttpService> inner);

// Tries again as `provider.retry` says, behind its circuit breaker; `provider.timeouts.total`
// bounds all attempts together. `board` null = a budget and breaker of its own.
std::shared_ptr<HttpService> MakeRetrying(boost::asio::io_context& io,
                                          const ProviderConfig& provider,
                                          std::shared_ptr<HttpService> inner,
                                          const std::shared_ptr<HealthBoard>& board = nullptr);

// Sends `inner` as many calls at a time as `limits` lets this provider have.
std::shared_ptr<HttpService> MakeLimiting(boost::asio::io_context& io,
                                          const ProviderConfig& provider,
                                          std::shared_ptr<HttpService> inner, CallLimits& limits);

// Answers from `parts.cache`, which must not be null, what `inner` was asked before, with the cache
// settings, policy and prices of `config`. Errors: kInvalidArgument (no such provider, its
// dialect).
Result<std::shared_ptr<HttpService>> MakeCaching(const StackParts& parts,
                                                 const ClientConfig& config,
                                                 std::string_view provider,
                                                 std::shared_ptr<HttpService> inner);

struct Fallback {
  std::shared_ptr<HttpService> service;
  std::map<std::string, std::string> models = {};  // names that differ there
};

// Asks `others` in their order when `inner`, which stands for `provider` of `config`, is in
// trouble. The policy of `config` says which POSTs of plain HTTP mean the same to others. Errors:
// kInvalidArgument (no such provider, its dialect).
Result<std::shared_ptr<HttpService>> MakeFallback(
    const ClientConfig& config, std::string_view provider, std::shared_ptr<HttpService> inner,
    std::vector<Fallback> others, const std::shared_ptr<HealthBoard>& board = nullptr);

}  // namespace larder::client
