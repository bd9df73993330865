#include "larder/client/cache_status.h"

#include <algorithm>
#include <string_view>

namespace larder::client {
namespace {

std::string_view ForwardName(Forward forward) {
  switch (forward) {
    case Forward::kNone: return "";
    case Forward::kMiss: return "miss";
    case Forward::kStale: return "stale";
    case Forward::kRequest: return "request";
    case Forward::kPartial: return "partial";
    case Forward::kBypass: return "bypass";
  }
  return "";
}

// A token where it is one (RFC 8941, section 3.3.4), else a quoted string.
std::string TokenOrString(std::string_view text) {
  const auto is_token_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~:/").find(c) != std::string_view::npos;
  };
  const bool starts_well = !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') ||
                                             (text[0] >= 'A' && text[0] <= 'Z') || text[0] == '*');
  if (starts_well && std::all_of(text.begin(), text.end(), is_token_character)) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) continue;  // a structured field's string is printable ASCII
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace

std::string FormatCacheStatus(const CacheOutcome& outcome) {
  std::string field = "larder; ";
  field += outcome.hit() ? "hit" : "fwd=" + std::string(ForwardName(outcome.forward));
  if (outcome.forward_status) field += "; fwd-status=" + std::to_string(*outcome.forward_status);
  // Without end there is no number to tell; whole seconds downwards, so that stale is below 0.
  if (outcome.ttl && *outcome.ttl != kForever) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*outcome.ttl);
    field += "; ttl=" + std::to_string(seconds.count());
  }
  if (outcome.stored) field += "; stored";
  if (outcome.collapsed) field += "; collapsed";
  if (!outcome.detail.empty()) field += "; detail=" + TokenOrString(outcome.detail);
  if (outcome.hit() && !outcome.key.empty()) field += "; key=\"" + outcome.key + "\"";
  return field;
}

std::string FormatSaved(const CacheOutcome& outcome) {
  std::string field;
  if (outcome.saved_microusd) field = "microusd=" + std::to_string(*outcome.saved_microusd);
  if (outcome.saved_time) {
    if (!field.empty()) field += ", ";
    field += "ms=" + std::to_string(outcome.saved_time->count());
  }
  return field;
}

}  // namespace larder::client
