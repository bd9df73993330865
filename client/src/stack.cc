#include "larder/client/asio/stack.h"

#include <memory>
#include <string>
#include <utility>

#include "caching_core.h"
#include "caching_service.h"
#include "curl_http_service.h"
#include "curl_request.h"
#include "dialect.h"
#include "response_cache.h"

namespace larder::client {

Result<std::unique_ptr<HttpService>> MakeStack(const StackParts& parts, const ClientConfig& config,
                                               std::string_view provider) {
  const auto found = config.providers.find(std::string(provider));
  if (found == config.providers.end()) {
    return Status(StatusCode::kInvalidArgument, "no provider `" + std::string(provider) + "`");
  }
  const ProviderConfig& settings = found->second;
  const std::string place = "providers." + found->first;
  const Status url = CheckBaseUrl(settings.base_url);
  if (!url.ok()) return url.WithContext(place);
  const Dialect* dialect = FindDialect(settings.dialect);
  if (dialect == nullptr) {
    return Status(StatusCode::kInvalidArgument, place + ": no dialect `" + settings.dialect + "`");
  }
  CachingLimits limits;
  limits.max_body_bytes = config.cache.max_body_bytes;
  std::unique_ptr<ResponseCache> cache;
  if (parts.cache != nullptr) cache = MakeResponseCache(*parts.cache);
  auto http = std::make_unique<CurlHttpService>(parts.io, settings.base_url, settings.timeouts);
  auto core = std::make_shared<const CachingCore>(CachingCore{.io = parts.io,
                                                              .pool = parts.pool,
                                                              .upstream = std::move(http),
                                                              .cache = std::move(cache),
                                                              .dialect = *dialect,
                                                              .provider = settings,
                                                              .prices = config.prices,
                                                              .limits = limits});
  return std::unique_ptr<HttpService>(std::make_unique<CachingService>(std::move(core)));
}

}  // namespace larder::client
