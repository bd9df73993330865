#include "routes.h"

#include <optional>
#include <utility>

namespace larder::gateway {
namespace {

std::optional<OwnPage> FindOwnPage(std::string_view path) {
  if (path == "/healthz") return OwnPage::kHealth;
  if (path == "/readyz") return OwnPage::kReady;
  if (path == "/metrics") return OwnPage::kMetrics;
  if (path == "/larder/v1/invalidate") return OwnPage::kInvalidate;
  // The gateway's own names are never sent upstream, also where it has nothing there.
  if (path == "/larder" || path.starts_with("/larder/")) return OwnPage::kUnknown;
  return std::nullopt;
}

// OpenAI has messages, too, of threads and of stored completions: where its key must not go astray.
bool IsMessages(std::string_view path) {
  return path.ends_with("/messages") && path.find("/threads/") == path.npos &&
         path.find("/completions/") == path.npos;
}

}  // namespace

Routes::Routes(const std::map<std::string, client::ProviderConfig>& providers,
               std::map<std::string, std::string> default_provider)
    : default_provider_(std::move(default_provider)) {
  for (const auto& [name, provider] : providers) dialects_[name] = provider.dialect;
}

std::string_view DialectOf(const ServerRequest& request) {
  const std::string_view path = request.path();
  if (IsMessages(path)) return "anthropic";
  for (const std::string_view end :
       {"/chat/completions", "/completions", "/responses", "/embeddings"}) {
    if (path.ends_with(end)) return "openai";
  }
  return request.headers.Has("anthropic-version") ? "anthropic" : "openai";
}

Route Routes::Find(const ServerRequest& request) const {
  const std::string_view path = request.path();
  if (const std::optional<OwnPage> page = FindOwnPage(path)) return *page;
  const std::size_t slash = path.find('/', 1);
  if (slash != std::string_view::npos) {
    const auto named = dialects_.find(path.substr(1, slash - 1));
    if (named != dialects_.end()) {
      return UpstreamRoute{named->first, named->second, request.target.substr(slash)};
    }
  }
  const std::string dialect(DialectOf(request));
  const auto found = default_provider_.find(dialect);
  std::string provider = found == default_provider_.end() ? "" : found->second;
  return UpstreamRoute{std::move(provider), dialect, request.target};
}

}  // namespace larder::gateway
