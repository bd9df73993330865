#include "explain_miss.h"

#include <algorithm>

namespace larder::client {
namespace {

// A header is no place for thousands of inputs.
constexpr std::size_t kMostReasons = 4;

// Why what is there and fresh is not for this caller.
std::string_view Objection(const Directives& directives) {
  if (directives.no_cache) return "no-cache was asked";
  if (directives.max_age && directives.min_fresh) return "max-age and min-fresh were asked";
  if (directives.max_age) return "max-age was asked";
  return directives.min_fresh ? "min-fresh was asked" : "";
}

}  // namespace

std::string WhyMissed(const Directives& directives, std::string_view detail, std::string stored) {
  // It was found in memory; whether it is on disk already is another question.
  if (detail == "no-usage") return "what is stored lacks the usage that is asked for";
  if (detail == "other-encoding") return "what is stored cannot be given in the encoding asked for";
  if (!stored.starts_with("fresh") && !stored.starts_with("stale")) return stored;
  const std::string_view objection = Objection(directives);
  return objection.empty() ? stored : std::string(objection) + "; the entry is " + stored;
}

std::string WhyBypassed(std::string_view detail) {
  return "not looked up: " + std::string(detail.empty() ? "no endpoint that is cached" : detail);
}

std::string WhyInputsMissed(const std::vector<std::string>& reasons) {
  struct Group {
    std::string_view reason;
    std::size_t first;
    std::size_t count = 0;
  };
  std::vector<Group> groups;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (reasons[i].empty()) continue;
    const auto known = std::find_if(groups.begin(), groups.end(),
                                    [&](const Group& group) { return group.reason == reasons[i]; });
    if (known == groups.end()) {
      groups.push_back({reasons[i], i, 1});
    } else {
      ++known->count;
    }
  }
  if (reasons.size() == 1 && !groups.empty()) return reasons.front();
  std::string text;
  for (std::size_t i = 0; i < std::min(groups.size(), kMostReasons); ++i) {
    const Group& group = groups[i];
    text += (i == 0 ? "" : "; ") + std::to_string(group.count) + " of " +
            std::to_string(reasons.size()) + " inputs, first /input/" +
            std::to_string(group.first) + ": " + std::string(group.reason);
  }
  if (groups.size() > kMostReasons) {
    text += "; " + std::to_string(groups.size() - kMostReasons) + " reasons more";
  }
  return text;
}

}  // namespace larder::client
