// get, put, rm and touch: single entries.
#include <nlohmann/json.hpp>

#include "base64url.h"
#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "input_file.h"
#include "key_text.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

std::string EntryPath(const std::string& key) { return "/v1/entries/" + admin::ToBase64Url(key); }

Result<std::string> Body(CacheAccess& cache, const std::string& key, const std::string& form) {
  return cache.Call({.method = "GET",
                     .path = EntryPath(key),
                     .query = {{"form", form.empty() ? "stored" : form}}});
}

std::string Left(const ordered_json& ms) { return ms.is_null() ? "never ends" : ShowMs(ms); }

void ShowEntry(const ordered_json& entry, Console& console) {
  Rows rows = {
      {"key", entry["key"]},
      {"state", entry["state"]},
      {"age", ShowMs(entry["age_ms"])},
      {"fresh for", Left(entry["ttl_ms"])},
      {"kept for", Left(entry["expires_in_ms"])},
      {"raw", ShowBytes(entry["raw_bytes"])},
      {"stored", ShowBytes(entry["stored_bytes"])},
      {"cost", ShowMicroUsd(entry["cost"])},
      {"computed in", ShowMs(entry["compute_ms"])},
      {"number", std::to_string(entry["number"].get<std::uint64_t>())},
  };
  for (const ordered_json& tag : entry["tags"]) rows.emplace_back("tag", tag.get<std::string>());
  if (const ordered_json& answer = entry["answer"]; !answer.is_null()) {
    rows.emplace_back("status", std::to_string(answer["status"].get<int>()));
    rows.emplace_back("form", answer["form"]);
    if (answer["model"] != "") rows.emplace_back("model", answer["model"]);
    for (const ordered_json& header : answer["headers"]) {
      rows.emplace_back("header",
                        header[0].get<std::string>() + ": " + header[1].get<std::string>());
    }
  }
  std::erase_if(rows, [](const auto& row) { return row.second.empty(); });
  console.Table(rows);
}

bool IsText(const std::string& bytes) {
  try {
    static_cast<void>(ordered_json(bytes).dump());
    return true;
  } catch (const ordered_json::exception&) {  // not UTF-8
    return false;
  }
}

Status CheckFlags(const Invocation& invocation) {
  int forms = 0;
  for (const char* flag : {"--meta", "--form", "--raw"}) forms += invocation.Has(flag) ? 1 : 0;
  if (forms > 1) return {StatusCode::kInvalidArgument, "only one of --meta, --form, --raw"};
  const std::string form = invocation.Value("--form");
  if (!invocation.Has("--form") || form == "json" || form == "sse") return Status::Ok();
  return {StatusCode::kInvalidArgument, "--form \"" + form + "\"; allowed: json, sse"};
}

// One change of one entry: "stored text:k", or why not.
Result<tools::ExitStatus> CallAndShow(const Invocation& invocation,
                                      const admin::AdminRequest& request, const std::string& done,
                                      Console& console) {
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  const Result<std::string> answer = (*cache)->Call(request);
  if (!answer.ok()) return answer.status();
  const ordered_json result = ordered_json::parse(*answer);
  const std::string key = result["key"].get<std::string>();
  const bool is_done = result[done].get<bool>();
  if (!is_done) return Status(StatusCode::kInternal, "not " + done + ": " + key);
  console.Line(console.json() ? *answer : done + " " + key);
  return tools::kExitDone;
}

}  // namespace

Result<tools::ExitStatus> RunGet(const Invocation& invocation, Console& console) {
  if (Status status = CheckFlags(invocation); !status.ok()) return status;
  const Result<std::string> key = admin::ParseKey(invocation.arguments[0]);
  if (!key.ok()) return key.status();
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  const bool meta = invocation.Has("--meta");
  ordered_json entry;
  if (meta || console.json()) {
    const Result<std::string> text = (*cache)->Call({.method = "GET", .path = EntryPath(*key)});
    if (!text.ok()) return text.status();
    entry = ordered_json::parse(*text);
  }
  if (!meta) {
    const Result<std::string> body = Body(**cache, *key, invocation.Value("--form"));
    if (!body.ok()) return body.status();
    if (!console.json()) {
      console.Write(*body);
      return tools::kExitDone;
    }
    if (IsText(*body)) {
      entry["body"] = *body;
    } else {
      entry["body_base64"] = admin::ToBase64Url(*body);
    }
  }
  if (console.json()) {
    console.Line(entry.dump());
  } else {
    ShowEntry(entry, console);
  }
  return tools::kExitDone;
}

Result<tools::ExitStatus> RunPut(const Invocation& invocation, Console& console) {
  const Result<std::string> key = admin::ParseKey(invocation.arguments[0]);
  if (!key.ok()) return key.status();
  const std::string file = invocation.Value("--file");
  Result<std::string> body = ReadInput(file.empty() ? "-" : file);
  if (!body.ok()) return body.status();
  admin::AdminRequest request{.method = "PUT", .path = EntryPath(*key), .body = *std::move(body)};
  for (const std::string& tag : invocation.Values("--tag")) request.query.emplace("tag", tag);
  for (const char* name : {"ttl", "cost"}) {
    const std::string flag = std::string("--") + name;
    if (invocation.Has(flag)) request.query.emplace(name, invocation.Value(flag));
  }
  return CallAndShow(invocation, request, "stored", console);
}

Result<tools::ExitStatus> RunTouch(const Invocation& invocation, Console& console) {
  const Result<std::string> key = admin::ParseKey(invocation.arguments[0]);
  if (!key.ok()) return key.status();
  if (!invocation.Has("--ttl")) {
    return Status(StatusCode::kInvalidArgument, "how long it is fresh from now on: --ttl D");
  }
  const ordered_json body = {{"ttl", invocation.Value("--ttl")}};
  return CallAndShow(invocation,
                     {.method = "POST", .path = EntryPath(*key) + "/touch", .body = body.dump()},
                     "touched", console);
}

Result<tools::ExitStatus> RunRemove(const Invocation& invocation, Console& console) {
  std::vector<std::string> keys;
  for (const std::string& text : invocation.arguments) {
    Result<std::string> key = admin::ParseKey(text);
    if (!key.ok()) return key.status().WithContext(text);
    keys.push_back(*std::move(key));
  }
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  ordered_json result = {{"removed", ordered_json::array()}, {"not_found", ordered_json::array()}};
  for (const std::string& key : keys) {
    const Result<std::string> answer = (*cache)->Call({.method = "DELETE", .path = EntryPath(key)});
    if (!answer.ok()) return answer.status();
    const ordered_json removal = ordered_json::parse(*answer);
    const bool removed = removal["removed"].get<bool>();
    result[removed ? "removed" : "not_found"].push_back(removal["key"]);
    const std::string name = removal["key"].get<std::string>();
    if (!console.json() && removed) console.Line("removed " + name);
    if (!removed) console.Note("cachectl: no entry " + name);
  }
  if (console.json()) console.Line(result.dump());
  return result["not_found"].empty() ? tools::kExitDone : tools::kExitNotFound;
}

}  // namespace larder::cachectl
