#include "upstream_freshness.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "ascii.h"
#include "cache_control.h"
#include "http_date.h"

namespace larder::client {
namespace {

struct AnswerDirectives {
  bool no_store = false;
  bool no_cache = false;
  bool is_private = false;
  bool must_revalidate = false;
  std::optional<Duration> max_age;
  std::optional<Duration> s_maxage;
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
};

void Apply(const CacheDirective& directive, AnswerDirectives& all) {
  const auto seconds = [&](std::optional<Duration>& field) {
    const Duration value = ParseDeltaSeconds(directive.value).value_or(Duration(0));
    field = std::min(field.value_or(value), value);
  };
  if (directive.name == "no-store") all.no_store = true;
  if (directive.name == "no-cache") all.no_cache = true;  // with names of fields, too: stricter
  if (directive.name == "private") all.is_private = true;
  if (directive.name == "must-revalidate" || directive.name == "proxy-revalidate") {
    all.must_revalidate = true;
  }
  if (directive.name == "max-age") seconds(all.max_age);
  if (directive.name == "s-maxage") seconds(all.s_maxage);
  if (directive.name == "stale-while-revalidate") seconds(all.stale_while_revalidate);
  if (directive.name == "stale-if-error") seconds(all.stale_if_error);
}

AnswerDirectives ReadDirectives(const Headers& headers) {
  AnswerDirectives all;
  const std::string field = headers.Joined("cache-control");
  ListElements elements(field);
  while (elements.AreLeft()) {
    const std::string_view element = elements.Take();
    if (!element.empty()) Apply(ParseDirective(element), all);
  }
  return all;
}

std::optional<TimePoint> Date(const Headers& headers, const char* name) {
  const std::string* field = headers.Find(name);
  return field == nullptr ? std::nullopt : ParseHttpDate(std::string(TrimBlanks(*field)));
}

// Section 4.2.1: the first of these that there is.
std::optional<Duration> Lifetime(const Headers& headers, const AnswerDirectives& all,
                                 const FreshnessContext& context) {
  if (all.s_maxage && !context.is_private) return all.s_maxage;
  if (all.max_age) return all.max_age;
  if (!headers.Has("expires")) return std::nullopt;
  const std::optional<TimePoint> expires = Date(headers, "expires");
  if (!expires) return Duration(0);  // "0", and all that is no date, is the past
  const TimePoint date = Date(headers, "date").value_or(context.now);
  return std::max(*expires - date, Duration(0));
}

// Section 4.2.3: its age when it was complete.
Duration Age(const Headers& headers, const FreshnessContext& context) {
  const std::string* field = headers.Find("age");
  Duration age = context.took;
  if (field != nullptr) age += ParseDeltaSeconds(TrimBlanks(*field)).value_or(Duration(0));
  const std::optional<TimePoint> date = Date(headers, "date");
  return date ? std::max(age, context.now - *date) : age;
}

}  // namespace

UpstreamFreshness ReadFreshness(const Headers& headers, const FreshnessContext& context) {
  const AnswerDirectives all = ReadDirectives(headers);
  UpstreamFreshness freshness;
  freshness.forbidden = all.no_store || all.no_cache || (all.is_private && !context.is_private);
  if (const std::optional<Duration> lifetime = Lifetime(headers, all, context)) {
    freshness.ttl = std::max(*lifetime - Age(headers, context), Duration(0));
  }
  freshness.stale_while_revalidate = all.stale_while_revalidate;
  freshness.stale_if_error = all.stale_if_error;
  if (all.must_revalidate) {
    freshness.stale_while_revalidate = Duration(0);
    freshness.stale_if_error = Duration(0);
  }
  return freshness;
}

}  // namespace larder::client
