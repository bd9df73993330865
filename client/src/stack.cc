#include "larder/client/asio/stack.h"

#include <memory>
#include <string>

#include "curl_http_service.h"
#include "curl_request.h"

namespace larder::client {

Result<std::unique_ptr<HttpService>> MakeStack(const StackParts& parts, const ClientConfig& config,
                                               std::string_view provider) {
  const auto found = config.providers.find(std::string(provider));
  if (found == config.providers.end()) {
    return Status(StatusCode::kInvalidArgument, "no provider `" + std::string(provider) + "`");
  }
  const ProviderConfig& settings = found->second;
  const Status url = CheckBaseUrl(settings.base_url);
  if (!url.ok()) return url.WithContext("providers." + found->first);
  return std::unique_ptr<HttpService>(
      std::make_unique<CurlHttpService>(parts.io, settings.base_url, settings.timeouts));
}

}  // namespace larder::client
