// explain --recent: the recent misses that nearly were hits.
#include <nlohmann/json.hpp>

#include "cache_access.h"
#include "console.h"
#include "human_units.h"
#include "verbs.h"

namespace larder::cachectl {
namespace {

using nlohmann::ordered_json;

constexpr std::uint32_t kDefaultLimit = 20;

// Names of fields come from requests: what a terminal would obey is escaped as in JSON.
std::string Printable(const ordered_json& text) {
  const std::string quoted = text.dump(-1, ' ', /*ensure_ascii=*/true);
  return quoted.substr(1, quoted.size() - 2);
}

std::string Facts(const ordered_json& miss) {
  std::string text = ShowMs(miss["age_ms"]) + " ago, " + Printable(miss["provider"]) + " " +
                     Printable(miss["path"]) + ", differs in ";
  const ordered_json& differing = miss["differing"];
  for (std::size_t i = 0; i < differing.size(); ++i) {
    if (i > 0) text += i + 1 == differing.size() ? " and " : ", ";
    text += Printable(differing[i]);
  }
  const bool stored = miss["nearest_stored"].get<bool>();
  return text + " from " + miss["nearest"].get<std::string>() + ", " +
         ShowMs(miss["nearest_age_ms"]) + (stored ? " ago, stored" : " ago, not stored");
}

}  // namespace

Result<tools::ExitStatus> ExplainRecent(const Invocation& invocation, Console& console) {
  if (!invocation.arguments.empty()) {
    return Status(StatusCode::kInvalidArgument, "--recent is about all keys: \"" +
                                                    invocation.arguments[0] + "\" is one too many");
  }
  const Result<std::uint32_t> limit = ReadNumber(invocation, "--limit", kDefaultLimit);
  if (!limit.ok()) return limit.status();
  const Result<std::unique_ptr<CacheAccess>> cache =
      ReachRunning(invocation, "recent misses are in the memory of the larderd that had them");
  if (!cache.ok()) return cache.status();
  admin::AdminRequest request{.method = "GET", .path = "/v1/misses"};
  request.query.emplace("limit", std::to_string(*limit));
  const Result<std::string> answer = (*cache)->Call(request);
  if (!answer.ok()) return answer.status();
  const ordered_json misses = ordered_json::parse(*answer)["misses"];
  for (const ordered_json& miss : misses) {
    console.Line(console.json() ? miss.dump()
                                : miss["key"].get<std::string>() + "  " + Facts(miss));
  }
  if (misses.empty()) console.Note("cachectl: no recent miss nearly was a hit");
  return tools::kExitDone;
}

}  // namespace larder::cachectl
