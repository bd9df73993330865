#include "entry_json.h"

#include <nlohmann/json.hpp>

#include "key_text.h"
#include "larder/client/stored_answer.h"

namespace larder::admin {
namespace {

using nlohmann::ordered_json;

// null = it does not expire.
ordered_json TimeLeft(TimePoint until, TimePoint now) {
  if (until == kNever) return nullptr;
  return (until - now).count();
}

ordered_json AnswerJson(const Entry& entry) {
  const std::optional<client::StoredAnswer> answer = client::ReadStoredAnswer(entry);
  if (!answer) return nullptr;
  ordered_json headers = ordered_json::array();
  for (const client::Header& header : answer->headers) {
    headers.push_back({header.name, header.value});
  }
  ordered_json json = {{"status", answer->status},
                       {"form", answer->is_event_stream ? "sse" : "json"},
                       {"model", answer->model},
                       {"headers", std::move(headers)}};
  json["input_tokens"] = answer->input_tokens ? ordered_json(*answer->input_tokens) : nullptr;
  json["output_tokens"] = answer->output_tokens ? ordered_json(*answer->output_tokens) : nullptr;
  return json;
}

}  // namespace

std::string EntryToJson(std::string_view key, const Hit& hit, std::uint64_t raw_bytes,
                        TimePoint now, std::optional<std::uint64_t> hits) {
  const Entry& entry = hit.entry;
  ordered_json json = {
      {"key", ShowKey(key)},
      {"state", hit.stale ? "stale" : "fresh"},
      {"age_ms", (now - entry.created()).count()},
      {"ttl_ms", TimeLeft(entry.fresh_until(), now)},
      {"expires_in_ms", TimeLeft(entry.expires(), now)},
      {"created_unix_ms", entry.created().time_since_epoch().count()},
      {"raw_bytes", raw_bytes},
      {"stored_bytes", entry.stored_bytes()},
      {"tags", entry.tags()},
      {"cost", entry.cost_microusd()},
      {"compute_ms", entry.compute_time().count()},
      {"number", entry.number()},
      {"answer", AnswerJson(entry)},
  };
  if (hits) json["hits"] = *hits;
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace larder::admin
