#include "event_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "key_text.h"

namespace larder::gateway {
namespace {

using nlohmann::ordered_json;
using std::chrono::steady_clock;

std::int64_t UnixMs() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string_view NameOf(MissReason reason) {
  switch (reason) {
    case MissReason::kAbsent: return "absent";
    case MissReason::kExpired: return "expired";
    case MissReason::kInvalidated: return "invalidated";
    case MissReason::kUnwanted: return "unwanted";
    case MissReason::kCorrupt: return "corrupt";
    case MissReason::kFault: return "fault";
  }
  return "";
}

}  // namespace

EventLog::EventLog() : EventLog(&steady_clock::now, &UnixMs) {}

EventLog::EventLog(SteadyNow steady, UnixNow unix_ms)
    : steady_(std::move(steady)), unix_ms_(std::move(unix_ms)) {}

void EventLog::OnHit(const Hit& hit) {
  if (!is_watched()) return;
  Note(ordered_json{{"event", "hit"},
                    {"unix_ms", unix_ms_()},
                    {"key", admin::ShowKey(hit.key)},
                    {"stale", hit.stale},
                    {"in_memory", hit.in_memory},
                    {"microusd", hit.cost_microusd},
                    {"ms", hit.compute_time.count()}}
           .dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void EventLog::OnMiss(std::string_view key, MissReason reason) {
  if (!is_watched()) return;
  Note(ordered_json{{"event", "miss"},
                    {"unix_ms", unix_ms_()},
                    {"key", admin::ShowKey(key)},
                    {"reason", NameOf(reason)}}
           .dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

void EventLog::OnStored(const Stored& stored) {
  if (!is_watched()) return;
  Note(ordered_json{{"event", "stored"},
                    {"unix_ms", unix_ms_()},
                    {"key", admin::ShowKey(stored.key)},
                    {"raw_bytes", stored.raw_bytes},
                    {"stored_bytes", stored.stored_bytes},
                    {"microusd", stored.cost_microusd},
                    {"ms", stored.compute_time.count()}}
           .dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

std::string EventLog::Since(std::uint64_t after) {
  watched_until_ = (steady_() + kInterest).time_since_epoch().count();
  const std::lock_guard lock(mutex_);
  const std::uint64_t oldest = next_ - std::min<std::uint64_t>(next_ - 1, kMostHeld);
  // A number of another process, or of none, begins anew.
  const std::uint64_t wanted = after == 0 || after > next_ ? next_ : after;
  const std::uint64_t first = std::max(wanted, oldest);
  std::string list;
  for (std::uint64_t number = first; number < next_; ++number) {
    if (!list.empty()) list += ',';
    list += events_.at(number % kMostHeld);
  }
  return R"({"events":[)" + list + R"(],"next":)" + std::to_string(next_) + R"(,"lost":)" +
         std::to_string(first - wanted) + "}";
}

bool EventLog::is_watched() const {
  const auto until = watched_until_.load(std::memory_order_relaxed);
  return until != 0 && steady_().time_since_epoch().count() < until;
}

void EventLog::Note(std::string json) {
  const std::lock_guard lock(mutex_);
  events_.at(next_ % kMostHeld) = std::move(json);
  ++next_;
}

}  // namespace larder::gateway
