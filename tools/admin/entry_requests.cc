#include "entry_requests.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base64url.h"
#include "entry_json.h"
#include "explanation_json.h"
#include "json_answer.h"
#include "key_text.h"
#include "larder/client/stored_answer.h"
#include "larder/client/units.h"

namespace larder::admin {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kDefaultLimit = 1000;

// Leaves no trace: an administrator who looks does not make an entry popular. What is past its
// freshness is still there to be seen.
std::optional<Hit> Find(Cache& cache, const std::string& key) {
  return cache.Peek(key, {.max_stale = kForever});
}

AdminAnswer NoEntry(const std::string& key) {
  return ErrorAnswer({StatusCode::kNotFound, "no entry " + ShowKey(key)});
}

AdminAnswer Body(const Entry& entry, const std::string& form) {
  if (form == "stored") {
    return {.http_status = 200,
            .content_type = "application/octet-stream",
            .body = std::string(entry.body())};
  }
  if (form != "json" && form != "sse") {
    return InvalidAnswer("form \"" + form + "\" is not known; allowed: stored, json, sse");
  }
  const bool stream = form == "sse";
  Result<std::string> body = client::ReadAnswerBody(
      entry, stream ? client::AnswerForm::kEventStream : client::AnswerForm::kJson);
  if (!body.ok()) return ErrorAnswer(body.status());
  return {.http_status = 200,
          .content_type = stream ? "text/event-stream" : "application/json",
          .body = *std::move(body)};
}

AdminAnswer Get(Cache& cache, const AdminRequest& request, const std::string& key) {
  const std::optional<Hit> hit = Find(cache, key);
  if (!hit) return NoEntry(key);
  if (request.query.contains("form")) return Body(hit->entry, request.Query("form"));
  return {.http_status = 200,
          .content_type = "application/json",
          .body = EntryToJson(key, *hit, hit->entry.body().size(), cache.Now())};
}

AdminAnswer Delete(Cache& cache, const std::string& key) {
  const bool found = Find(cache, key).has_value();
  // Also where there is none: what is being computed for the key now must not come to stay.
  if (Status status = cache.Remove(key); !status.ok()) return ErrorAnswer(status);
  return JsonAnswer({{"key", ShowKey(key)}, {"removed", found}});
}

Result<WriteOptions> ReadWriteOptions(const AdminRequest& request) {
  WriteOptions options;
  for (const auto& [name, value] : request.query) {
    if (name == "tag") {
      options.tags.push_back(value);
    } else if (name == "ttl") {
      Result<Duration> ttl = client::ParseDuration(value);
      if (!ttl.ok()) return ttl.status().WithContext("ttl");
      options.ttl = *ttl;
    } else if (name == "cost") {
      const char* end = value.data() + value.size();
      if (std::from_chars(value.data(), end, options.cost_microusd).ptr != end || value.empty()) {
        return Status(StatusCode::kInvalidArgument,
                      "cost \"" + value + "\" is not a whole number of micro-USD");
      }
    } else {
      return Status(StatusCode::kInvalidArgument,
                    "\"" + name + "\" is not known; allowed: ttl, tag, cost");
    }
  }
  return options;
}

AdminAnswer Put(Cache& cache, const AdminRequest& request, const std::string& key) {
  const Result<WriteOptions> options = ReadWriteOptions(request);
  if (!options.ok()) return ErrorAnswer(options.status());
  const Result<PutOutcome> outcome = cache.Put(key, request.body, *options);
  if (!outcome.ok()) return ErrorAnswer(outcome.status());
  return JsonAnswer({{"key", ShowKey(key)}, {"stored", *outcome == PutOutcome::kStored}});
}

AdminAnswer Touch(Cache& cache, const AdminRequest& request, const std::string& key) {
  const json body = json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object() || body.size() != 1 || !body.contains("ttl") || !body["ttl"].is_string()) {
    return InvalidAnswer(R"(the body is not {"ttl": "7d"})");
  }
  const Result<Duration> ttl = client::ParseDuration(body["ttl"].get<std::string>());
  if (!ttl.ok()) return ErrorAnswer(ttl.status().WithContext("ttl"));
  const Status status = cache.Touch(key, *ttl);
  if (status.code() == StatusCode::kNotFound) return NoEntry(key);
  if (!status.ok()) return ErrorAnswer(status);
  return JsonAnswer({{"key", ShowKey(key)}, {"touched", true}});
}

AdminAnswer Explain(Cache& cache, const AdminRequest& request, const std::string& key) {
  ReadOptions options;
  const auto [first, last] = request.query.equal_range("tag");
  for (auto tag = first; tag != last; ++tag) options.tags.push_back(tag->second);
  return {.http_status = 200,
          .content_type = "application/json",
          .body = ExplanationToJson(key, cache.Explain(key, options), cache.Now())};
}

Status ReadState(const std::string& text, ScanState& state) {
  if (text.empty() || text == "all") {
    state = ScanState::kAll;
  } else if (text == "fresh" || text == "stale") {
    state = text == "fresh" ? ScanState::kFresh : ScanState::kStale;
  } else {
    return {StatusCode::kInvalidArgument,
            "state \"" + text + "\" is not known; allowed: fresh, stale, all"};
  }
  return Status::Ok();
}

Result<ScanOptions> ReadScanOptions(const AdminRequest& request) {
  ScanOptions options;
  options.tag = request.Query("tag");
  options.limit = kDefaultLimit;
  const std::string limit = request.Query("limit");
  const char* end = limit.data() + limit.size();
  if (!limit.empty() && std::from_chars(limit.data(), end, options.limit).ptr != end) {
    return Status(StatusCode::kInvalidArgument, "limit \"" + limit + "\" is not a number");
  }
  for (const char* name : {"prefix", "cursor"}) {
    std::optional<std::string> bytes = FromBase64Url(request.Query(name));
    if (!bytes)
      return Status(StatusCode::kInvalidArgument, std::string(name) + " is not base64url");
    (name == std::string_view("prefix") ? options.prefix : options.cursor) = *std::move(bytes);
  }
  if (Status status = ReadState(request.Query("state"), options.state); !status.ok()) return status;
  return options;
}

AdminAnswer List(Cache& cache, const AdminRequest& request) {
  const Result<ScanOptions> options = ReadScanOptions(request);
  if (!options.ok()) return ErrorAnswer(options.status());
  const Result<ScanPage> page = cache.Scan(*options);
  if (!page.ok()) return ErrorAnswer(page.status());
  // Put together from texts: the entries' JSON is made in one place.
  std::string body = R"({"entries":[)";
  for (const ScanItem& item : page->items) {
    if (body.back() != '[') body += ',';
    body += EntryToJson(item.key, {item.entry, item.stale}, item.raw_bytes, cache.Now(), item.hits);
  }
  body += R"(],"cursor":)";
  body += page->cursor.empty() ? "null" : '"' + ToBase64Url(page->cursor) + '"';
  body += R"(,"corrupt":)" + std::to_string(page->corrupt) + '}';
  return {.http_status = 200, .content_type = "application/json", .body = std::move(body)};
}

}  // namespace

AdminAnswer HandleEntries(Cache& cache, const AdminRequest& request) {
  std::string_view rest = std::string_view(request.path).substr(kEntriesPath.size());
  if (rest.empty() && request.method == "GET") return List(cache, request);
  // A key in base64url has no slash.
  std::string_view action;
  if (const std::size_t slash = rest.rfind('/'); slash != 0 && slash != rest.npos) {
    action = rest.substr(slash + 1);
    rest = rest.substr(0, slash);
  }
  std::optional<std::string> key;
  if (rest.starts_with('/')) key = FromBase64Url(rest.substr(1));
  if (!key || key->empty() || key->size() > kMaxKeyBytes) {
    return InvalidAnswer("the key is not base64url of 1 to " + std::to_string(kMaxKeyBytes) +
                         " bytes");
  }
  if (request.method == "POST" && action == "touch") return Touch(cache, request, *key);
  if (request.method == "GET" && action == "explain") return Explain(cache, request, *key);
  if (!action.empty()) return NotInApi(request);
  if (request.method == "GET") return Get(cache, request, *key);
  if (request.method == "PUT") return Put(cache, request, *key);
  if (request.method == "DELETE") return Delete(cache, *key);
  return NotInApi(request);
}

}  // namespace larder::admin
