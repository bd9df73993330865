#include "larder/explanation.h"

namespace larder {
namespace {

std::string UnixMs(const std::optional<TimePoint>& time) {
  if (!time.has_value()) return "?";
  return std::to_string(time->time_since_epoch().count());
}

std::string Reason(const Explanation& e) {
  const std::string by = " by invalidation " + std::to_string(e.rule_number);
  switch (e.why) {
    case Why::kFresh:
      return e.expires == kNever ? "fresh, does not expire"
                                 : "fresh until unix ms " + UnixMs(e.fresh_until);
    case Why::kStale:
      return "stale since unix ms " + UnixMs(e.fresh_until) +
             (e.rule_number == 0 ? "" : ", made so" + by) + "; expires at " + UnixMs(e.expires);
    case Why::kAbsent: return "never written, or reclaimed since";
    case Why::kExpired: return "expired at unix ms " + UnixMs(e.expires);
    case Why::kRemoved: return "removed, at number " + std::to_string(e.number);
    case Why::kTag: return "tag \"" + e.rule + "\" was invalidated" + by;
    case Why::kPrefix: return "keys that begin with \"" + e.rule + "\" were invalidated" + by;
    case Why::kEverything:
      return "everything up to number " + std::to_string(e.rule_number) + " was invalidated";
    case Why::kReclaimed: return "expired or invalidated, and reclaimed";
    case Why::kEvicted: return "evicted: there was no space, and others were worth more";
    case Why::kCorrupt: return "its row is damaged, or was and has been dropped";
    case Why::kUnknown: return "written by another build, in a format that this one does not know";
    case Why::kUnreachable: return "the store cannot be read now";
  }
  return "?";
}

}  // namespace

std::string Explanation::ToString() const {
  std::string text = Reason(*this);
  if (negative) text += "; a negative entry";
  if (computing) text += "; being computed now";
  if (!refused.empty()) text += "; the latest write refused: " + refused;
  return text;
}

}  // namespace larder
