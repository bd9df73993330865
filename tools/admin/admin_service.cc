#include "admin_service.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base64url.h"
#include "entry_json.h"
#include "larder/client/request_key.h"
#include "larder/client/stored_answer.h"
#include "stats_json.h"

namespace larder::admin {
namespace {

using nlohmann::json;

constexpr std::string_view kEntries = "/v1/entries/";

AdminAnswer Json(const json& body) {
  return {.http_status = 200,
          .content_type = "application/json",
          .body = body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

AdminAnswer Invalid(std::string message) {
  return ErrorAnswer({StatusCode::kInvalidArgument, std::move(message)});
}

// An entry past its freshness is still there, and an administrator wants to see it.
std::optional<Hit> Find(Cache& cache, const std::string& key) {
  return cache.Get(key, {.max_stale = kForever});
}

AdminAnswer Body(const Entry& entry, const std::string& form) {
  if (form == "stored") {
    return {.http_status = 200,
            .content_type = "application/octet-stream",
            .body = std::string(entry.body())};
  }
  if (form != "json" && form != "sse") {
    return Invalid("form \"" + form + "\" is not known; allowed: stored, json, sse");
  }
  const bool stream = form == "sse";
  Result<std::string> body = client::ReadAnswerBody(
      entry, stream ? client::AnswerForm::kEventStream : client::AnswerForm::kJson);
  if (!body.ok()) return ErrorAnswer(body.status());
  return {.http_status = 200,
          .content_type = stream ? "text/event-stream" : "application/json",
          .body = *std::move(body)};
}

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
  if (request.path.starts_with(kEntries)) {
    const std::optional<std::string> key = FromBase64Url(request.path.substr(kEntries.size()));
    if (!key || key->empty() || key->size() > kMaxKeyBytes) {
      return Invalid("the key is not base64url of 1 to " + std::to_string(kMaxKeyBytes) + " bytes");
    }
    if (get) return GetEntry(request, *key);
    if (request.method == "DELETE") return DeleteEntry(*key);
  }
  if (get && request.path == "/v1/stats") {
    return {.http_status = 200,
            .content_type = "application/json",
            .body = StatsToJson(cache_.GetStats())};
  }
  if (get && request.path == "/v1/version") {
    return Json({{"name", "larder"}, {"version", LARDER_VERSION}});
  }
  if (post && request.path == "/v1/invalidate") return Invalidate(request.body);
  if (post && request.path == "/v1/scope") return Scope(request.body);
  AdminAnswer answer = Invalid(request.method + " " + request.path + " is not in the admin API");
  answer.http_status = 404;
  return answer;
}

AdminAnswer AdminService::GetEntry(const AdminRequest& request, const std::string& key) const {
  const std::optional<Hit> hit = Find(cache_, key);
  if (!hit) return ErrorAnswer({StatusCode::kNotFound, "no entry " + ShowKey(key)});
  if (!request.form.empty()) return Body(hit->entry, request.form);
  return {.http_status = 200,
          .content_type = "application/json",
          .body = EntryToJson(key, *hit, cache_.Now())};
}

AdminAnswer AdminService::DeleteEntry(const std::string& key) const {
  const bool found = Find(cache_, key).has_value();
  // Also where there is none: what is being computed for the key now must not come to stay.
  if (Status status = cache_.Remove(key); !status.ok()) return ErrorAnswer(status);
  return Json({{"key", ShowKey(key)}, {"removed", found}});
}

AdminAnswer AdminService::Invalidate(const std::string& body) const {
  const json what = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!what.is_object() || what.size() != 1) {
    return Invalid(R"(the body is not {"tags": [...]} or {"all": true})");
  }
  Invalidation invalidation;
  if (what.contains("prefix")) {
    return Invalid("invalidation by prefix is not supported by this version; use tags");
  }
  if (what.contains("all") && what["all"] == json(true)) {
    invalidation.all = true;
  } else if (what.contains("tags") && IsStrings(what["tags"])) {
    invalidation.tags = what["tags"].get<std::vector<std::string>>();
  } else {
    return Invalid(R"(the body is not {"tags": [...]} or {"all": true})");
  }
  const Result<std::uint64_t> number = cache_.Invalidate(invalidation);
  if (!number.ok()) return ErrorAnswer(number.status());
  json answer = what;
  answer["number"] = *number;
  return Json(answer);
}

AdminAnswer AdminService::Scope(const std::string& body) const {
  const json request = json::parse(body, nullptr, /*allow_exceptions=*/false);
  client::Headers headers;
  if (!request.is_object() || !request.contains("target") || !request["target"].is_string() ||
      !request.contains("headers") || !ReadHeaders(request["headers"], headers)) {
    return Invalid(R"(the body is not {"target": "/path", "headers": [["name", "value"], ...]})");
  }
  return Json({{"scope", client::CredentialScope(headers, request["target"].get<std::string>(),
                                                 cache_.StoreSecret())}});
}

}  // namespace larder::admin
