#include "retry_rule.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace larder::client {

bool IsTrouble(int status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

bool IsWorthRetrying(const ResponseHead& head, bool may_harm) {
  constexpr int kFirstError = 400;
  constexpr int kTooManyRequests = 429;
  if (head.status < kFirstError) return false;
  const std::string* word = head.headers.Find("x-should-retry");
  if (word != nullptr && *word == "true") return true;
  if (word != nullptr && *word == "false") return false;
  return may_harm ? head.status == kTooManyRequests : IsTrouble(head.status);
}

bool IsOutOfQuota(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return false;
  const auto error = json.find("error");
  if (error == json.end() || !error->is_object()) return false;
  for (const char* name : {"code", "type"}) {
    const auto value = error->find(name);
    if (value != error->end() && *value == "insufficient_quota") return true;
  }
  return false;
}

bool AnnouncesRetries(const Headers& request) { return request.Has("x-stainless-retry-count"); }

Duration Backoff(const RetryConfig& config, int retries, double random) {
  constexpr int kMostDoublings = 30;
  constexpr double kJitter = 0.25;
  const double factor = static_cast<double>(1U << std::min(retries, kMostDoublings));
  const double longest = static_cast<double>(config.max_delay.count());
  const double delay = std::min(static_cast<double>(config.base_delay.count()) * factor, longest);
  return Duration(static_cast<Duration::rep>(delay * (1 - random * kJitter)));
}

}  // namespace larder::client
