#include "admin_service.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "entry_requests.h"
#include "json_answer.h"
#include "larder/client/request_key.h"
#include "stats_json.h"

namespace larder::admin {
namespace {

using nlohmann::json;

// The request's headers out of [[name, value], ...]; false if it is anything else.
bool ReadHeaders(const json& list, client::Headers& headers) {
  if (!list.is_array()) return false;
  for (const json& field : list) {
    if (!field.is_array() || field.size() != 2 || !field[0].is_string() || !field[1].is_string()) {
      return false;
    }
    headers.Add(field[0].get<std::string>(), field[1].get<std::string>());
  }
  return true;
}

bool IsStrings(const json& list) {
  if (!list.is_array() || list.empty()) return false;
  for (const json& item : list) {
    if (!item.is_string()) return false;
  }
  return true;
}

}  // namespace

AdminAnswer AdminService::Handle(const AdminRequest& request) const {
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  const std::string entries(kEntriesPath);
  if (request.path == entries || request.path.starts_with(entries + "/")) {
    return HandleEntries(cache_, request);
  }
  if (get && request.path == "/v1/stats") {
    return {.http_status = 200,
            .content_type = "application/json",
            .body = StatsToJson(cache_.GetStats(), more_stats_ ? more_stats_() : "")};
  }
  if (get && request.path == "/v1/version") {
    return JsonAnswer({{"name", "larder"}, {"version", LARDER_VERSION}});
  }
  if (post && request.path == "/v1/invalidate") return Invalidate(request.body);
  if (post && request.path == "/v1/scope") return Scope(request.body);
  return NotInApi(request);
}

AdminAnswer AdminService::Invalidate(const std::string& body) const {
  const json what = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!what.is_object() || what.size() != 1) {
    return InvalidAnswer(R"(the body is not {"tags": [...]} or {"all": true})");
  }
  Invalidation invalidation;
  if (what.contains("prefix")) {
    return InvalidAnswer("invalidation by prefix is not supported by this version; use tags");
  }
  if (what.contains("all") && what["all"] == json(true)) {
    invalidation.all = true;
  } else if (what.contains("tags") && IsStrings(what["tags"])) {
    invalidation.tags = what["tags"].get<std::vector<std::string>>();
  } else {
    return InvalidAnswer(R"(the body is not {"tags": [...]} or {"all": true})");
  }
  const Result<std::uint64_t> number = cache_.Invalidate(invalidation);
  if (!number.ok()) return ErrorAnswer(number.status());
  json answer = what;
  answer["number"] = *number;
  return JsonAnswer(answer);
}

AdminAnswer AdminService::Scope(const std::string& body) const {
  const json request = json::parse(body, nullptr, /*allow_exceptions=*/false);
  client::Headers headers;
  if (!request.is_object() || !request.contains("target") || !request["target"].is_string() ||
      !request.contains("headers") || !ReadHeaders(request["headers"], headers)) {
    return InvalidAnswer(
        R"(the body is not {"target": "/path", "headers": [["name", "value"], ...]})");
  }
  return JsonAnswer(
      {{"scope", client::CredentialScope(headers, request["target"].get<std::string>(),
                                         cache_.StoreSecret())}});
}

}  // namespace larder::admin
