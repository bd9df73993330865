#include "dialect.h"

#include <utility>

#include "anthropic.h"
#include "http_dialect.h"
#include "larder/client/error_body.h"
#include "openai.h"
#include "path_model.h"

namespace larder::client {

std::vector<Event> Endpoint::Normalize(std::vector<Event> events) const { return events; }

std::optional<std::size_t> Endpoint::UsageEvent(const std::vector<Event>&) const {
  return std::nullopt;
}

RequestPlan Dialect::Plan(std::string_view method, std::string_view path,
                          std::string_view body) const {
  const Endpoint* endpoint = FindEndpoint(method, path);
  RequestPlan plan;
  if (endpoint == nullptr) {
    plan.bypass = "unknown-endpoint";
    return plan;
  }
  plan = endpoint->Plan(body);
  if (endpoint->is_plain_http()) return plan;
  PathModel in_path = ModelInPath(path);
  if (!in_path.name.empty()) plan.model = std::move(in_path.name);
  return plan;
}

const Dialect* FindDialect(std::string_view name) {
  if (name == "openai") return &OpenAiDialect();
  if (name == "anthropic") return &AnthropicDialect();
  if (name == "http") return &HttpDialect();
  return nullptr;
}

std::string ErrorBody(std::string_view dialect, int status, std::string_view message) {
  const Dialect* known = FindDialect(dialect);
  return (known != nullptr ? *known : OpenAiDialect()).ErrorBody(status, message);
}

const Endpoint* FindEndpoint(std::string_view name) {
  for (const Endpoint* endpoint :
       {&OpenAiChat(), &OpenAiCompletions(), &OpenAiResponses(), &OpenAiEmbeddings(),
        &AnthropicMessages(), &HttpGet(), &HttpPost()}) {
    if (endpoint->name() == name) return endpoint;
  }
  return nullptr;
}

}  // namespace larder::client
