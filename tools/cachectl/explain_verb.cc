// explain KEY: why a key is a hit, or a miss. (Of two requests: difference_verb.cc;
// of recent misses: recent_verb.cc.)
#include <nlohmann/json.hpp>

#include "base64url.h"
#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "key_text.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

std::string By(const ordered_json& json) {
  return ", number " + std::to_string(json["rule_number"].get<std::uint64_t>());
}

std::string Ago(const ordered_json& json, const char* field) {
  const auto now = json["now_unix_ms"].get<std::int64_t>();
  return ShowMs(now - json[field].get<std::int64_t>()) + " ago";
}

std::string Fresh(const ordered_json& json) {
  const ordered_json& until = json["fresh_until_unix_ms"];
  if (until.is_null()) return "a hit: fresh, and does not expire";
  return "a hit: fresh for " +
         ShowMs(until.get<std::int64_t>() - json["now_unix_ms"].get<std::int64_t>()) + " more";
}

std::string Verdict(const ordered_json& json) {
  const std::string why = json["why"];
  const std::string rule = json["rule"];
  if (why == "fresh") return Fresh(json);
  if (why == "stale") {
    const bool soft = json["rule_number"] != 0;
    return "a hit for those who accept a stale one: stale since " +
           Ago(json, "fresh_until_unix_ms") + (soft ? ", by a soft invalidation" + By(json) : "");
  }
  if (why == "absent") return "a miss: never written, or its row was reclaimed";
  if (why == "expired") return "a miss: expired " + Ago(json, "expires_unix_ms");
  if (why == "removed") return "a miss: removed by request";
  if (why == "tag") return "a miss: tag \"" + rule + "\" was invalidated" + By(json);
  if (why == "prefix") return "a miss: keys from " + rule + " on were invalidated" + By(json);
  if (why == "everything") return "a miss: everything was invalidated" + By(json);
  if (why == "evicted") return "a miss: evicted, to stay within the disk budget";
  if (why == "reclaimed") return "a miss: expired or invalidated, and its row was reclaimed";
  if (why == "corrupt") return "a miss: its row is damaged, or was and has been dropped";
  if (why == "unknown") return "a miss: written by a build that this one does not understand";
  return "a miss: the store cannot be read now";
}

tools::ExitStatus Outcome(const std::string& why) {
  if (why == "fresh" || why == "stale") return tools::kExitDone;
  if (why == "corrupt") return tools::kExitCorrupt;
  return why == "unreachable" ? tools::kExitUnreachable : tools::kExitNotFound;
}

}  // namespace

Result<tools::ExitStatus> RunExplain(const Invocation& invocation, Console& console) {
  if (invocation.Has("--recent")) return ExplainRecent(invocation, console);
  if (invocation.arguments.empty()) {
    return Status(StatusCode::kInvalidArgument, "too few arguments; usage: cachectl explain " +
                                                    std::string(invocation.verb->arguments));
  }
  if (invocation.arguments.size() == 2) return ExplainDifference(invocation, console);
  const Result<std::string> key = admin::ParseKey(invocation.arguments[0]);
  if (!key.ok()) return key.status();
  const Result<std::unique_ptr<CacheAccess>> cache = ReachCache(invocation);
  if (!cache.ok()) return cache.status();
  admin::AdminRequest request{.method = "GET",
                              .path = "/v1/entries/" + admin::ToBase64Url(*key) + "/explain"};
  for (const std::string& tag : invocation.Values("--tag")) request.query.emplace("tag", tag);
  const Result<std::string> answer = (*cache)->Call(request);
  if (!answer.ok()) return answer.status();
  const ordered_json json = ordered_json::parse(*answer);
  if (console.json()) {
    console.Line(*answer);
    return Outcome(json["why"]);
  }
  Rows rows = {{"key", json["key"]}, {"is", Verdict(json)}};
  if (!json["created_unix_ms"].is_null()) {
    rows.emplace_back("computed", Ago(json, "created_unix_ms"));
  }
  if (json["number"] != 0) {
    rows.emplace_back("number", std::to_string(json["number"].get<std::uint64_t>()));
  }
  if (json["negative"] == ordered_json(true)) rows.emplace_back("negative", "yes");
  if (json["computing"] == ordered_json(true)) rows.emplace_back("computing", "now, by somebody");
  if (json["refused"] != "") rows.emplace_back("latest refusal", json["refused"]);
  console.Table(rows);
  return Outcome(json["why"]);
}

}  // namespace larder::cachectl
