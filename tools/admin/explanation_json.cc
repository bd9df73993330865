#include "explanation_json.h"

#include <nlohmann/json.hpp>

#include "key_text.h"

namespace larder::admin {
namespace {

using nlohmann::ordered_json;

const char* WhyName(Why why) {
  switch (why) {
    case Why::kFresh: return "fresh";
    case Why::kStale: return "stale";
    case Why::kAbsent: return "absent";
    case Why::kExpired: return "expired";
    case Why::kRemoved: return "removed";
    case Why::kTag: return "tag";
    case Why::kPrefix: return "prefix";
    case Why::kEverything: return "everything";
    case Why::kEvicted: return "evicted";
    case Why::kReclaimed: return "reclaimed";
    case Why::kCorrupt: return "corrupt";
    case Why::kUnknown: return "unknown";
    case Why::kUnreachable: return "unreachable";
  }
  return "?";
}

// null: there is no entry; of a time in the future that never comes, too.
ordered_json TimeJson(const std::optional<TimePoint>& time) {
  if (!time.has_value() || *time == kNever) return nullptr;
  return time->time_since_epoch().count();
}

}  // namespace

std::string ExplanationToJson(std::string_view key, const Explanation& explanation, TimePoint now) {
  const bool is_prefix = explanation.why == Why::kPrefix;
  const ordered_json json = {{"key", ShowKey(key)},
                             {"why", WhyName(explanation.why)},
                             {"number", explanation.number},
                             {"rule", is_prefix ? ShowKey(explanation.rule) : explanation.rule},
                             {"rule_number", explanation.rule_number},
                             {"created_unix_ms", TimeJson(explanation.created)},
                             {"fresh_until_unix_ms", TimeJson(explanation.fresh_until)},
                             {"expires_unix_ms", TimeJson(explanation.expires)},
                             {"negative", explanation.negative},
                             {"computing", explanation.computing},
                             {"refused", explanation.refused},
                             {"now_unix_ms", now.time_since_epoch().count()}};
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace larder::admin
