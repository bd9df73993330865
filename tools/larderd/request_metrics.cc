#include "request_metrics.h"

#include <utility>

namespace larder::gateway {

EndpointLabel EndpointOf(std::string_view path) {
  constexpr std::pair<std::string_view, EndpointLabel> kEnds[] = {
      {"/chat/completions", EndpointLabel::kChatCompletions},
      {"/completions", EndpointLabel::kCompletions},
      {"/responses", EndpointLabel::kResponses},
      {"/embeddings", EndpointLabel::kEmbeddings},
      {"/messages", EndpointLabel::kMessages},
  };
  for (const auto& [end, label] : kEnds) {
    if (path.ends_with(end)) return label;
  }
  return EndpointLabel::kOther;
}

CacheLabel CacheLabelOf(const client::CacheOutcome& outcome) {
  using client::Forward;
  if (outcome.hit()) {
    const bool stale = outcome.ttl && *outcome.ttl < Duration::zero();
    return stale ? CacheLabel::kStaleHit : CacheLabel::kHit;
  }
  // Only an answer from the cache has an age.
  if (outcome.forward == Forward::kStale && outcome.age) return CacheLabel::kStaleError;
  if (outcome.collapsed) return CacheLabel::kCollapsed;
  switch (outcome.forward) {
    case Forward::kStale: return CacheLabel::kExpired;
    case Forward::kRequest: return CacheLabel::kRequest;
    case Forward::kPartial: return CacheLabel::kPartial;
    case Forward::kBypass: return CacheLabel::kBypass;
    case Forward::kNone:
    case Forward::kMiss: break;
  }
  return CacheLabel::kMiss;
}

TurnedAway TurnedAwayBy(int status) {
  switch (status) {
    case 408: return TurnedAway::kTooSlow;
    case 413: return TurnedAway::kBodyTooLarge;
    case 414:
    case 431: return TurnedAway::kHeadTooLarge;
    case 503: return TurnedAway::kMemory;
    case 417:
    case 501:
    case 505: return TurnedAway::kUnsupported;
    default: return TurnedAway::kMalformed;
  }
}

}  // namespace larder::gateway
