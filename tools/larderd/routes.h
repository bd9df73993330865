// Routes: which provider a request is for, or which of the gateway's own answers it wants.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "exchange.h"
#include "larder/client/config.h"

namespace larder::gateway {

enum class OwnPage { kHealth, kReady, kMetrics, kInvalidate, kUnknown };

struct UpstreamRoute {
  std::string provider;  // its name; empty if none is configured for `dialect`
  std::string dialect;   // that errors are written in
  std::string target;    // to append to the provider's base URL
};

using Route = std::variant<OwnPage, UpstreamRoute>;

// Immutable, thread-safe.
class Routes {
 public:
  // `default_provider`: dialect -> name of a provider.
  Routes(const std::map<std::string, client::ProviderConfig>& providers,
         std::map<std::string, std::string> default_provider);

  Route Find(const ServerRequest& request) const;

 private:
  std::map<std::string, std::string, std::less<>> dialects_;  // provider -> dialect
  std::map<std::string, std::string> default_provider_;
};

// By the end of the path, then by the header `anthropic-version`; else "openai".
std::string_view DialectOf(const ServerRequest& request);

}  // namespace larder::gateway
