#include "larder/client/request_model.h"

#include <algorithm>
#include <utility>

#include "dialect.h"
#include "path_model.h"

namespace larder::client {

std::vector<std::string> ModelsOf(const Request& request, std::string_view dialect) {
  const Dialect* known = FindDialect(dialect);
  if (known == nullptr) return {};
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  const Endpoint* endpoint = known->FindEndpoint(request.method, path);
  if (endpoint == nullptr || endpoint->is_plain_http()) return {};
  PathModel in_path = ModelInPath(path);
  RequestPlan plan = endpoint->Plan(request.body);
  if (in_path.is_doubtful || !plan.problem.empty()) return {};
  std::vector<std::string> models;
  if (!in_path.name.empty()) models.push_back(std::move(in_path.name));
  if (!plan.model.empty()) models.push_back(std::move(plan.model));
  return models;
}

bool MayActAsPost(const Request& request) {
  constexpr const char* kOverrides[] = {"x-http-method-override", "x-http-method",
                                        "x-method-override"};
  const bool reads = request.method == "GET" || request.method == "HEAD";
  return request.method == "POST" || (reads && !request.body.empty()) ||
         std::any_of(std::begin(kOverrides), std::end(kOverrides),
                     [&](const char* name) { return request.headers.Has(name); });
}

}  // namespace larder::client
