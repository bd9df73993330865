// FallbackService: the decorator that asks other providers when one is in trouble.
//
// Each provider it asks is a stack with a cache of its own before it, so that an answer is keyed,
// stored and found under the provider that gave it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dialect.h"
#include "larder/client/asio/decorators.h"
#include "larder/client/asio/http_service.h"
#include "larder/client/policy.h"
#include "provider_health.h"

namespace larder::client {

struct FallbackParts {
  std::shared_ptr<HttpService> primary;
  std::vector<Fallback> targets;  // in the order in which they are asked
  const Dialect& dialect;
  std::string provider;  // the primary's name
  Policy policy;
  std::shared_ptr<ProviderHealth> health;  // the primary's
};

class FallbackService final : public HttpService {
 public:
  explicit FallbackService(FallbackParts parts)
      : parts_(std::make_shared<const FallbackParts>(std::move(parts))) {}

  // If nobody has an answer, the error is the primary's.
  boost::asio::awaitable<Result<Response>> Send(Request request) override;

 private:
  const std::shared_ptr<const FallbackParts> parts_;
};

}  // namespace larder::client
