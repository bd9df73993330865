#include "recent_misses_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "key_text.h"

namespace larder::gateway {
namespace {

using nlohmann::ordered_json;

bool IsStored(Cache& cache, const std::string& hex) {
  const Result<std::string> key = admin::ParseKey(hex);
  return key.ok() && cache.Peek(*key, {}).has_value();
}

}  // namespace

std::string RecentMissesJson(const client::RecentMisses& misses, Cache& cache, std::size_t limit) {
  const TimePoint now = cache.Now();
  const auto age = [now](TimePoint then) {
    return std::max<Duration::rep>(0, (now - then).count());  // a clock may be set back
  };
  ordered_json list = ordered_json::array();
  for (const client::NearMiss& miss : misses.Near(limit)) {
    list.push_back({{"key", miss.key},
                    {"nearest", miss.nearest},
                    {"provider", miss.provider},
                    {"path", miss.path},
                    {"age_ms", age(miss.missed)},
                    {"nearest_age_ms", age(miss.nearest_missed)},
                    {"nearest_stored", IsStored(cache, miss.nearest)},
                    {"differing", miss.differing}});
  }
  return ordered_json{{"misses", list}}.dump(-1, ' ', false,
                                             ordered_json::error_handler_t::replace);
}

}  // namespace larder::gateway
