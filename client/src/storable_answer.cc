#include "storable_answer.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "cost.h"
#include "event_stream.h"
#include "http_dialect.h"
#include "upstream_freshness.h"

namespace larder::client {
namespace {

constexpr int kFirstError = 400;
// Errors that are the request's own, and stay what they are for a while.
constexpr int kRarelyChange[] = {400, 404, 413, 422};

// Headers that describe the answer, not the one exchange it came in.
constexpr std::string_view kKeptHeaders[] = {"content-type", "openai-version"};

bool IsComplete(int status) { return status >= 200 && status < 300 && status != 206; }

Headers KeptHeaders(const Headers& headers, const std::vector<std::string>& more, bool http) {
  Headers kept;
  for (const Header& field : headers) {
    const auto is_it = [&](std::string_view name) { return EqualsIgnoreCase(field.name, name); };
    if (std::any_of(std::begin(kKeptHeaders), std::end(kKeptHeaders), is_it) ||
        (http && IsKeptByHttp(field.name)) || std::any_of(more.begin(), more.end(), is_it)) {
      kept.Add(field.name, field.value);
    }
  }
  return kept;
}

// Not if it is encoded: what is stored is read by us.
bool IsReadable(const ResponseHead& head) {
  const std::string coding = head.headers.Joined("content-encoding");
  return coding.empty() || EqualsIgnoreCase(coding, "identity");
}

Verdict JudgeEvents(const CacheQuery& query, const FetchedAnswer& answer,
                    const std::vector<Event>& events) {
  if (events.empty()) return {.reason = "no_end"};
  Verdict verdict = query.plan.endpoint->JudgeStream(query.plan, query.store_rules, events);
  // Such an end may be a cut that fell between two events.
  if (verdict.store && answer.ends_by_close && !verdict.has_end_mark) {
    verdict.store = false;
    verdict.reason = "no_end";
  }
  return verdict;
}

UpstreamFreshness FreshnessOf(const CachingCore& core, const CacheQuery& query,
                              const Headers& headers, Duration took) {
  if (!core.provider.upstream_freshness) return {};
  return ReadFreshness(headers,
                       {.is_private = query.is_personal, .now = core.cache->Now(), .took = took});
}

// What HTTP itself says of keeping the answer, where that is asked for; a lifetime that the request
// names comes before the upstream's, which comes before the policy's.
void JudgeHttp(const CachingCore& core, const CacheQuery& query, const FetchedAnswer& answer,
               Verdict& verdict, WriteOptions& options) {
  verdict.reason = ObjectionToSharing(core, query, answer.head.headers);
  // Its length was not told, so that it may be cut.
  if (answer.ends_by_close) verdict.reason = "no_end";
  if (core.provider.upstream_freshness) {
    const UpstreamFreshness freshness = FreshnessOf(core, query, answer.head.headers, answer.took);
    if (freshness.ttl && !query.directives.ttl) options.ttl = freshness.ttl;
    if (freshness.stale_while_revalidate) {
      options.stale_while_revalidate = freshness.stale_while_revalidate;
    }
    if (freshness.stale_if_error) options.stale_if_error = freshness.stale_if_error;
    if (options.ttl == Duration(0) && verdict.reason.empty()) verdict.reason = "stale";
  }
  verdict.store = verdict.reason.empty();
}

// Whether the request says what its key does not, so that the error may be about that and is none
// of a request that does not say it. `stream` is a matter of form.
bool SaysMoreThanItsKey(const RequestPlan& plan) {
  return std::any_of(plan.ignored.begin(), plan.ignored.end(),
                     [](const std::string& name) { return name != "stream"; });
}

// Why an error is not kept, as Refusals counts it, or empty. What HTTP itself says of it may
// shorten its lifetime, unless the request names one.
std::string_view JudgeError(const CachingCore& core, const CacheQuery& query,
                            const FetchedAnswer& answer, WriteOptions& options) {
  if (answer.ends_by_close) return "no_end";
  if (SaysMoreThanItsKey(query.plan)) return "status";
  if (!query.plan.endpoint->is_plain_http()) return {};
  const Headers& headers = answer.head.headers;
  const std::string_view objection = ObjectionToSharing(core, query, headers);
  const std::optional<Duration> fresh = FreshnessOf(core, query, headers, answer.took).ttl;
  if (!objection.empty() || !fresh || query.directives.ttl) return objection;
  options.ttl = std::min(*options.ttl, *fresh);
  return *fresh == Duration(0) ? "stale" : "";
}

// An error, as it is; whatever lifetime is asked for only shortens its own.
StorableAnswer MakeNegative(const CachingCore& core, const CacheQuery& query,
                            FetchedAnswer answer) {
  StorableAnswer storable;
  storable.info.endpoint = query.plan.endpoint;
  storable.info.status = answer.head.status;
  storable.info.headers =
      KeptHeaders(answer.head.headers, query.keep_response_headers, /*http=*/false);
  storable.body = std::move(answer.body);
  storable.options.negative = true;
  storable.options.ttl = std::min({core.negative_ttl, query.directives.ttl.value_or(kForever),
                                   query.policy_ttl.value_or(kForever)});
  const std::string_view reason = JudgeError(core, query, answer, storable.options);
  const bool records = core.cassette == CassetteMode::kRecord && !answer.ends_by_close;
  if (records) storable.options.ttl = kForever;
  if (!reason.empty() && !records) {
    core.refusals->Add(reason);
    storable.options.ttl = Duration(0);
  }
  storable.options.cost_microusd = EstimateMicrousd(answer.took);
  return storable;
}

// The events as text, which is what is stored, and where in it the usage is.
std::string WriteEvents(std::vector<Event> events, StoredResponse& info) {
  events = info.endpoint->Normalize(std::move(events));
  const std::optional<std::size_t> usage = info.endpoint->UsageEvent(events);
  std::string text;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const std::size_t from = text.size();
    WriteEvent(events[i], text);
    if (usage == i) info.usage_event = ByteRange{from, text.size() - from};
  }
  return text;
}

}  // namespace

AnswerKind KindOf(const ResponseHead& head, const Endpoint& endpoint) {
  if (!IsComplete(head.status) || !IsReadable(head)) return AnswerKind::kOpaque;
  const std::string* type = head.headers.Find("content-type");
  std::string_view media;
  if (type != nullptr) media = std::string_view(*type).substr(0, type->find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  const bool events = EqualsIgnoreCase(media, "text/event-stream");
  // Of an event stream that we do not understand nobody knows whether it has an end.
  if (endpoint.is_plain_http()) return events ? AnswerKind::kOpaque : AnswerKind::kJson;
  if (EqualsIgnoreCase(media, "application/json")) return AnswerKind::kJson;
  return events ? AnswerKind::kEvents : AnswerKind::kOpaque;
}

std::string_view ObjectionToSharing(const CachingCore& core, const CacheQuery& query,
                                    const Headers& headers) {
  const std::string_view objection = ObjectionOfHttp(core.provider, headers, query.keyed_by_caller);
  if (!objection.empty()) return objection;
  return FreshnessOf(core, query, headers, Duration(0)).forbidden ? "no_store" : "";
}

bool IsNegative(const CachingCore& core, const ResponseHead& head) {
  if (core.cassette == CassetteMode::kRecord) {
    return head.status >= kFirstError && IsReadable(head);
  }
  if (core.negative_ttl == Duration(0) || !IsReadable(head)) return false;
  return std::find(std::begin(kRarelyChange), std::end(kRarelyChange), head.status) !=
         std::end(kRarelyChange);
}

std::string_view WhyUnread(int status, std::string_view what_else) {
  return IsComplete(status) ? what_else : "status";
}

std::optional<Usage> WholeUsage(const Verdict& verdict, AnswerKind kind) {
  const bool unread = verdict.reason == "invalid" || verdict.reason == "too_complex";
  const bool broke_off = verdict.reason == "no_end" || (kind == AnswerKind::kEvents && unread);
  return broke_off ? std::nullopt : verdict.usage;
}

StorableAnswer MakeStorable(const CachingCore& core, const CacheQuery& query,
                            FetchedAnswer answer) {
  if (answer.head.status >= kFirstError) return MakeNegative(core, query, std::move(answer));
  StorableAnswer storable;
  StoredResponse& info = storable.info;
  info.endpoint = query.plan.endpoint;
  info.status = answer.head.status;
  const bool http = info.endpoint->is_plain_http();
  info.headers = KeptHeaders(answer.head.headers, query.keep_response_headers, http);
  storable.options.ttl = query.directives.ttl ? query.directives.ttl : query.policy_ttl;
  storable.options.stale_while_revalidate = query.keep_stale_while_revalidate;
  storable.options.stale_if_error = query.keep_stale_if_error;
  Verdict verdict;
  if (answer.head.kind == AnswerKind::kEvents) {
    std::vector<Event> events = ParseEventStream(answer.body);
    verdict = JudgeEvents(query, answer, events);
    info.form = Form::kEvents;
    info.usage_asked = query.asks_usage();
    storable.body = WriteEvents(std::move(events), info);
  } else {
    verdict = info.endpoint->JudgeJson(query.plan, query.store_rules, answer.body);
    if (http) JudgeHttp(core, query, answer, verdict, storable.options);
    storable.body = std::move(answer.body);
  }
  info.model = verdict.model;
  info.usage = WholeUsage(verdict, answer.head.kind);
  storable.spent = SpentOn(core, query, info, answer.took);
  info.priced = storable.spent.priced;
  storable.options.cost_microusd = WholeMicrousd(storable.spent.microusd);
  // A cassette keeps what is complete, however bad it is.
  const bool whole =
      verdict.reason != "no_end" && verdict.reason != "invalid" && verdict.reason != "too_complex";
  if (core.cassette == CassetteMode::kRecord && whole) verdict.store = true;
  if (!verdict.store) {
    core.refusals->Add(verdict.reason);
    storable.options.ttl = Duration(0);
  }
  return storable;
}

}  // namespace larder::client
