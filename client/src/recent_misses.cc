#include "larder/client/recent_misses.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "request_traits.h"

namespace larder::client {
namespace {

using Places = std::vector<std::string_view>;

bool AreAlike(const RecentMisses::Request& a, const RecentMisses::Request& b) {
  return a.provider == b.provider && a.method == b.method && a.path == b.path;
}

}  // namespace

void RecentMisses::Add(const std::string& scope, Request request) {
  const std::lock_guard lock(mutex_);
  Records& records = scopes_[scope];
  const auto known = std::find_if(records.begin(), records.end(), [&](const auto& record) {
    return record->request.key == request.key;
  });
  if (known != records.end()) {
    std::rotate(known, known + 1, records.end());
    return;
  }
  records.push_back(std::make_shared<const Record>(Record{std::move(request), ++last_number_}));
  if (++records_ > kMaxRecords) DropOne();
}

void RecentMisses::DropOne() {
  auto loser = std::max_element(scopes_.begin(), scopes_.end(), [](const auto& a, const auto& b) {
    return a.second.size() < b.second.size();
  });
  if (loser->second.size() <= kFairShare) {
    loser = std::min_element(scopes_.begin(), scopes_.end(), [](const auto& a, const auto& b) {
      return a.second.front()->number < b.second.front()->number;
    });
  }
  loser->second.pop_front();
  if (loser->second.empty()) scopes_.erase(loser);
  --records_;
}

std::vector<NearMiss> RecentMisses::Near(std::size_t limit) const {
  struct Seen {
    std::shared_ptr<const Record> record;
    std::size_t scope = 0;
    RequestTraits traits = {};
  };
  std::vector<Seen> all;
  {
    const std::lock_guard lock(mutex_);
    all.reserve(records_);
    std::size_t scope = 0;
    for (const auto& [name, records] : scopes_) {
      for (const auto& record : records) all.push_back({record, scope});
      ++scope;
    }
  }
  // The latest first: what was before a request stands behind it.
  std::sort(all.begin(), all.end(),
            [](const Seen& a, const Seen& b) { return a.record->number > b.record->number; });
  for (Seen& seen : all) {
    seen.traits = DecodeTraits(seen.record->request.traits).value_or(RequestTraits());
  }
  std::vector<NearMiss> near;
  for (std::size_t i = 0; i < all.size() && near.size() < limit; ++i) {
    const Request& missed = all[i].record->request;
    if (!missed.was_absent) continue;
    const Request* nearest = nullptr;
    Places least;
    for (std::size_t j = i + 1; j < all.size() && least.size() != 1; ++j) {
      if (all[j].scope != all[i].scope || !AreAlike(missed, all[j].record->request)) continue;
      const std::size_t most = nearest == nullptr ? kMostDifferences : least.size() - 1;
      Places places = DifferingPlaces(all[i].traits, all[j].traits, most);
      if (places.empty() || places.size() > most) continue;
      nearest = &all[j].record->request;
      least = std::move(places);
    }
    if (nearest == nullptr) continue;
    near.push_back({.key = missed.key,
                    .nearest = nearest->key,
                    .provider = missed.provider,
                    .path = missed.path,
                    .missed = missed.missed,
                    .nearest_missed = nearest->missed,
                    .differing = {least.begin(), least.end()}});
  }
  return near;
}

std::shared_ptr<void> RecentMisses::Reserve(std::size_t bytes, TimePoint now) {
  constexpr Duration::rep kMsASecond = 1000;
  const Duration::rep second = now.time_since_epoch().count() / kMsASecond;
  if (second_.exchange(second) != second) noted_in_second_ = 0;
  if (noted_in_second_.fetch_add(1) >= kMaxNotesASecond) return nullptr;
  if (waiting_bytes_.fetch_add(bytes) + bytes > kMaxWaitingBytes) {
    waiting_bytes_.fetch_sub(bytes);
    return nullptr;
  }
  return {this, [this, bytes](void*) { waiting_bytes_.fetch_sub(bytes); }};
}

}  // namespace larder::client
