#include "own_invalidation.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "larder/client/directives.h"
#include "larder/client/request_key.h"

namespace larder::gateway {
namespace {

using nlohmann::json;

Status Invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

bool IsJson(const client::Headers& headers) {
  const std::string* type = headers.Find("content-type");
  if (type == nullptr) return false;
  std::string_view media = std::string_view(*type).substr(0, type->find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  return client::EqualsIgnoreCase(media, "application/json");
}

}  // namespace

Result<Invalidation> ReadOwnInvalidation(const client::Request& request,
                                         const std::set<std::string>& scopes) {
  if (!IsJson(request.headers)) return Invalid("the content-type is not application/json");
  const json body = json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || body.size() != 1 || !body.contains("tags") || !body["tags"].is_array() ||
      body["tags"].empty() || body["tags"].size() > client::kMaxCallerTags) {
    return Invalid(R"(the body is not {"tags": [...]} with 1 to )" +
                   std::to_string(client::kMaxCallerTags) + " tags");
  }
  Invalidation what;
  for (const json& tag : body["tags"]) {
    if (!tag.is_string() || !client::IsCallerTag(tag.get_ref<const std::string&>())) {
      return Invalid("a tag is not a string of 1 to " + std::to_string(client::kMaxCallerTagBytes) +
                     " bytes without control characters");
    }
    for (const std::string& scope : scopes) {
      what.tags.push_back(client::ScopedTag(tag.get_ref<const std::string&>(), scope,
                                            request.directives.name_space));
    }
  }
  return what;
}

}  // namespace larder::gateway
