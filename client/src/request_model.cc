#include "larder/client/request_model.h"

#include <utility>

#include "dialect.h"

namespace larder::client {

std::optional<std::string> ModelOf(const Request& request, std::string_view dialect) {
  const Dialect* known = FindDialect(dialect);
  if (known == nullptr) return std::nullopt;
  const std::string_view path =
      std::string_view(request.target).substr(0, request.target.find('?'));
  RequestPlan plan = known->Plan(request.method, path, request.body);
  if (plan.model.empty()) return std::nullopt;
  return std::move(plan.model);
}

}  // namespace larder::client
