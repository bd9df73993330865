#include "admin_service.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base64url.h"
#include "entry_requests.h"
#include "json_answer.h"
#include "larder/client/credentials.h"
#include "larder/client/message.h"
#include "stats_json.h"
#include "store_requests.h"
#include "transfer_requests.h"

namespace larder::admin {
namespace {

using nlohmann::json;

constexpr std::size_t kDefaultMisses = 20;

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

// Leaves `number` as it is if the query does not have it; false if it is none.
template <typename Number>
bool ReadNumber(const AdminRequest& request, const char* name, Number& number) {
  const std::string given = request.Query(name);
  const char* end = given.data() + given.size();
  const auto [rest, error] = std::from_chars(given.data(), end, number);
  return given.empty() || (error == std::errc() && rest == end);
}

AdminAnswer NotANumber(const AdminRequest& request, const std::string& name) {
  return InvalidAnswer(name + " \"" + request.Query(name) + "\" is not a number");
}

bool IsStrings(const json& list) {
  if (!list.is_array() || list.empty()) return false;
  for (const json& item : list) {
    if (!item.is_string()) return false;
  }
  return true;
}

// False: it is no invalidation.
bool ReadInvalidation(const json& what, Invalidation& invalidation) {
  if (!what.is_object()) return false;
  if (what.contains("soft")) {
    if (!what["soft"].is_boolean()) return false;
    invalidation.soft = what["soft"].get<bool>();
  }
  if (what.size() != (what.contains("soft") ? 2U : 1U)) return false;
  if (what.contains("all")) return invalidation.all = what["all"] == json(true);
  if (what.contains("tags") && IsStrings(what["tags"])) {
    invalidation.tags = what["tags"].get<std::vector<std::string>>();
    return true;
  }
  if (!what.contains("prefix") || !what["prefix"].is_string()) return false;
  std::optional<std::string> prefix = FromBase64Url(what["prefix"].get<std::string>());
  if (!prefix) return false;
  invalidation.prefixes = {*std::move(prefix)};
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
            .body = StatsToJson(cache_.GetStats(), cache_.Now(),
                                options_.more_stats ? options_.more_stats() : "")};
  }
  if (get && request.path == "/v1/version") {
    return JsonAnswer({{"name", "larder"}, {"version", LARDER_VERSION}});
  }
  if (get && request.path == "/metrics" && options_.metrics) {
    return {.http_status = 200,
            .content_type = "text/plain; version=0.0.4; charset=utf-8",
            .body = options_.metrics()};
  }
  if (get && request.path == "/v1/misses") return Misses(request);
  if (get && request.path == "/v1/events") return Events(request);
  if (get && request.path == kExportPath) return HandleExport(cache_, request);
  if (post && request.path == kImportPath) return HandleImport(cache_, request);
  if (get && request.path == kVerifyPath) return HandleVerify(cache_, request);
  if (post && request.path == kBackupPath) return HandleBackup(cache_, request);
  if (request.path == kCompactPath) return HandleCompact(cache_, *compaction_, request);
  if (request.path == kDictionariesPath) return HandleDictionaries(cache_, request);
  if (request.path == "/v1/config") return Config(request);
  if (post && request.path == "/v1/invalidate") return Invalidate(request.body);
  if (post && request.path == "/v1/scope") return Scope(request.body);
  return NotInApi(request);
}

AdminAnswer AdminService::Invalidate(const std::string& body) const {
  const json what = json::parse(body, nullptr, /*allow_exceptions=*/false);
  Invalidation invalidation;
  if (!ReadInvalidation(what, invalidation)) {
    return InvalidAnswer(
        R"(the body is not {"tags": [...]}, {"prefix": base64url} or {"all": true}, )"
        R"(each with "soft": true or without)");
  }
  const Result<std::uint64_t> number = cache_.Invalidate(invalidation);
  if (!number.ok()) return ErrorAnswer(number.status());
  json answer = what;
  answer["number"] = *number;
  return JsonAnswer(answer);
}

AdminAnswer AdminService::Config(const AdminRequest& request) const {
  const bool patch = request.method == "PATCH";
  if (!patch && request.method != "GET") return NotInApi(request);
  if (options_.config == nullptr) {
    return ErrorAnswer({StatusCode::kNotFound, "this process has no configuration file"});
  }
  Result<std::string> answer =
      patch ? options_.config->Change(request.body) : options_.config->Show();
  if (!answer.ok()) return ErrorAnswer(answer.status());
  return {.http_status = 200, .content_type = "application/json", .body = *std::move(answer)};
}

AdminAnswer AdminService::Misses(const AdminRequest& request) const {
  if (!options_.recent_misses) {
    return ErrorAnswer({StatusCode::kNotFound,
                        "this process remembers no recent misses; a gateway (larderd) does"});
  }
  std::size_t limit = kDefaultMisses;
  if (!ReadNumber(request, "limit", limit)) return NotANumber(request, "limit");
  return {.http_status = 200,
          .content_type = "application/json",
          .body = options_.recent_misses(limit)};
}

AdminAnswer AdminService::Events(const AdminRequest& request) const {
  if (!options_.events) {
    return ErrorAnswer({StatusCode::kNotFound,
                        "this process tells no hits and misses as they happen; a gateway (larderd) "
                        "does"});
  }
  std::uint64_t after = 0;
  if (!ReadNumber(request, "after", after)) return NotANumber(request, "after");
  return {.http_status = 200, .content_type = "application/json", .body = options_.events(after)};
}

AdminAnswer AdminService::Scope(const std::string& body) const {
  const json asked = json::parse(body, nullptr, /*allow_exceptions=*/false);
  client::Headers headers;
  if (!asked.is_object() || !asked.contains("target") || !asked["target"].is_string() ||
      !asked.contains("headers") || !ReadHeaders(asked["headers"], headers) ||
      !asked.value("dialect", json("")).is_string()) {
    return InvalidAnswer(
        R"(the body is not {"target": "/path", "headers": [["name", "value"], ...], )"
        R"("dialect": "http"}, the last if need be)");
  }
  // It may have no secret of its own yet.
  if (cache_.GetHealth().state == HealthState::kReopening) {
    return ErrorAnswer({StatusCode::kUnavailable, "the cache is not open yet"});
  }
  const std::string target = asked["target"].get<std::string>();
  const std::string dialect = asked.value("dialect", "");
  return JsonAnswer(
      {{"scope", client::CredentialScope({headers, target, dialect}, cache_.StoreSecret())}});
}

}  // namespace larder::admin
