#include "storable_answer.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "cost.h"
#include "event_stream.h"

namespace larder::client {
namespace {

// Headers that describe the answer, not the one exchange it came in.
constexpr std::string_view kKeptHeaders[] = {"content-type", "openai-version"};

Headers KeptHeaders(const Headers& headers, const std::vector<std::string>& more) {
  Headers kept;
  for (const Header& field : headers) {
    const auto is_it = [&](std::string_view name) { return EqualsIgnoreCase(field.name, name); };
    if (std::any_of(std::begin(kKeptHeaders), std::end(kKeptHeaders), is_it) ||
        std::any_of(more.begin(), more.end(), is_it)) {
      kept.Add(field.name, field.value);
    }
  }
  return kept;
}

Verdict JudgeEvents(const CacheQuery& query, const FetchedAnswer& answer,
                    const std::vector<Event>& events) {
  Verdict verdict = query.plan.endpoint->JudgeStream(query.plan, query.store_rules, events);
  // Such an end may be a cut that fell between two events.
  if (verdict.store && answer.ends_by_close && !verdict.has_end_mark) {
    verdict.store = false;
    verdict.reason = "no_end";
  }
  return verdict;
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

AnswerKind KindOf(const ResponseHead& head) {
  const bool complete = head.status >= 200 && head.status < 300 && head.status != 206;
  const std::string coding = head.headers.Joined("content-encoding");
  if (!complete || (!coding.empty() && !EqualsIgnoreCase(coding, "identity"))) {
    return AnswerKind::kOpaque;
  }
  const std::string* type = head.headers.Find("content-type");
  if (type == nullptr) return AnswerKind::kOpaque;
  std::string_view media = std::string_view(*type).substr(0, type->find(';'));
  while (media.ends_with(' ')) media.remove_suffix(1);
  if (EqualsIgnoreCase(media, "application/json")) return AnswerKind::kJson;
  if (EqualsIgnoreCase(media, "text/event-stream")) return AnswerKind::kEvents;
  return AnswerKind::kOpaque;
}

std::string_view WhyOpaque(int status, bool too_large) {
  if (status < 200 || status >= 300 || status == 206) return "status";
  return too_large ? "too_large" : "content_type";
}

StorableAnswer MakeStorable(const CachingCore& core, const CacheQuery& query,
                            FetchedAnswer answer) {
  StorableAnswer storable;
  StoredResponse& info = storable.info;
  info.endpoint = query.plan.endpoint;
  info.status = answer.head.status;
  info.headers = KeptHeaders(answer.head.headers, query.keep_response_headers);
  Verdict verdict;
  if (answer.head.kind == AnswerKind::kEvents) {
    std::vector<Event> events = ParseEventStream(answer.body);
    verdict = JudgeEvents(query, answer, events);
    info.form = Form::kEvents;
    info.usage_asked = query.plan.wants_usage;
    storable.body = WriteEvents(std::move(events), info);
  } else {
    verdict = info.endpoint->JudgeJson(query.plan, query.store_rules, answer.body);
    storable.body = std::move(answer.body);
  }
  info.model = verdict.model;
  info.usage = verdict.usage;
  const std::optional<ModelPrice> price =
      FindPrice(core.prices, {core.provider.base_url, verdict.model, query.plan.model});
  info.priced = price.has_value() && verdict.usage.has_value();
  storable.options.cost_microusd =
      info.priced ? CostMicrousd(*verdict.usage, *price) : EstimateMicrousd(answer.took);
  if (!verdict.store) core.refusals->Add(verdict.reason);
  const std::optional<Duration> ttl =
      query.directives.ttl ? query.directives.ttl : query.policy_ttl;
  storable.options.ttl = verdict.store ? ttl : Duration(0);
  storable.options.stale_while_revalidate = query.keep_stale_while_revalidate;
  storable.options.stale_if_error = query.keep_stale_if_error;
  return storable;
}

}  // namespace larder::client
