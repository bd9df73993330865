#include "flight_table.h"

#include <algorithm>
#include <utility>

#include "record.h"

namespace larder {
namespace {

std::vector<TagHash> HashTags(const std::vector<std::string>& tags) {
  std::vector<TagHash> hashes;
  hashes.reserve(tags.size());
  for (const std::string& tag : tags) hashes.push_back(HashTag(tag));
  return hashes;
}

bool IsIn(const std::vector<TagHash>& hashes, TagHash hash) {
  return std::find(hashes.begin(), hashes.end(), hash) != hashes.end();
}

void AddTags(FlightState& state, const std::vector<std::string>& tags,
             const std::vector<TagHash>& hashes) {
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (IsIn(state.tag_hashes, hashes[i])) continue;
    state.tags.push_back(tags[i]);
    state.tag_hashes.push_back(hashes[i]);
  }
}

}  // namespace

std::uint64_t FlightTable::Epoch(std::uint64_t hash) const {
  return ShardOf(hash).epoch.load(std::memory_order_acquire);
}

bool FlightTable::TryJoin(FlightState& state, const std::vector<std::string>& tags,
                          std::uint64_t newer_than) {
  if (state.number <= newer_than || !IsUntouched(state, state.tag_hashes)) return false;
  const std::vector<TagHash> hashes = HashTags(tags);
  if (!IsUntouched(state, hashes)) return false;
  if (state.tags_final) return true;  // its value is there: to this caller it is like a hit
  const auto is_new = [&state](TagHash hash) { return !IsIn(state.tag_hashes, hash); };
  const auto added = std::count_if(hashes.begin(), hashes.end(), is_new);
  if (added == 0) return true;
  if (state.tags.size() + static_cast<std::size_t>(added) > kMaxFlightTags) {
    return false;
  }
  AddTags(state, tags, hashes);
  return true;
}

// Softly invalidated, its value will be stale when it comes: not what a caller waits for.
bool FlightTable::IsUntouched(const FlightState& state, const std::vector<TagHash>& tags) const {
  return ledger_.Holds(state.key, state.number, tags) &&
         ledger_.FreshUntil(state.key, state.number, tags) == kNever;
}

FlightTable::Joined FlightTable::JoinOrLead(std::string_view key, std::uint64_t hash,
                                            const std::vector<std::string>& tags,
                                            std::uint64_t newer_than, std::uint64_t epoch,
                                            const std::function<void(FlightState&)>& prepare) {
  Shard& shard = ShardOf(hash);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.by_key.find(key); found != shard.by_key.end()) {
    if (TryJoin(*found->second, tags, newer_than)) return {.state = found->second};
    RemoveFromTable(shard, *found->second);
  }
  auto state = std::make_shared<FlightState>();
  state->key = key;
  state->hash = hash;
  state->tags = tags;
  state->tag_hashes = HashTags(tags);
  prepare(*state);
  // Under the shard's lock, so that the list of open leases is in the order of their numbers.
  state->number = ledger_.Next();
  shard.by_key.emplace(state->key, state);  // first, as it may throw
  state->in_table = true;
  Link(shard, *state);
  const bool ended_since = shard.epoch.load(std::memory_order_relaxed) != epoch;
  return {.state = std::move(state), .leads = true, .flight_ended_since = ended_since};
}

void FlightTable::AddUnstorable(FlightState& state) {
  const std::lock_guard lock(unstorable_.mutex);
  Link(unstorable_, state);
}

void FlightTable::Link(Shard& shard, FlightState& state) {
  state.open = true;
  state.older = shard.newest;
  (shard.newest != nullptr ? shard.newest->newer : shard.oldest) = &state;
  shard.newest = &state;
}

std::vector<std::string> FlightTable::FixTags(FlightState& state,
                                              const std::vector<std::string>& more) {
  const std::vector<TagHash> hashes = HashTags(more);
  const std::lock_guard lock(ShardOf(state.hash).mutex);
  state.tags_final = true;
  AddTags(state, more, hashes);
  return state.tags;
}

void FlightTable::Finish(FlightState& state) {
  Shard& shard = ShardOf(state);
  const std::lock_guard lock(shard.mutex);
  if (!std::exchange(state.open, false)) return;
  (state.newer != nullptr ? state.newer->older : shard.newest) = state.older;
  (state.older != nullptr ? state.older->newer : shard.oldest) = state.newer;
  shard.epoch.fetch_add(1, std::memory_order_release);
  RemoveFromTable(shard, state);  // last: it may drop the last reference but the caller's
}

void FlightTable::Detach(std::string_view key, std::uint64_t hash, std::uint64_t number) {
  Shard& shard = ShardOf(hash);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found != shard.by_key.end() && found->second->number < number) {
    RemoveFromTable(shard, *found->second);
  }
}

void FlightTable::NoteReplaced(std::string_view key, std::uint64_t hash, std::uint64_t number) {
  Shard& shard = ShardOf(hash);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found != shard.by_key.end() && found->second->number < number) {
    found->second->replaced = true;
  }
}

bool FlightTable::IsReplaced(const FlightState& state) const {
  const std::lock_guard lock(ShardOf(state.hash).mutex);
  return state.replaced;
}

std::shared_ptr<FlightState> FlightTable::Find(std::string_view key, std::uint64_t hash) const {
  const Shard& shard = ShardOf(hash);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  return found == shard.by_key.end() ? nullptr : found->second;
}

bool FlightTable::IsOpen(std::string_view key, std::uint64_t hash) const {
  const Shard& shard = ShardOf(hash);
  const std::lock_guard lock(shard.mutex);
  return shard.by_key.contains(key);
}

void FlightTable::RemoveFromTable(Shard& shard, FlightState& state) {
  if (!state.in_table) return;
  state.in_table = false;
  shard.by_key.erase(shard.by_key.find(state.key));
}

std::uint64_t FlightTable::OldestLease() const {
  // Read before the shards: a lease given out later has a greater number.
  std::uint64_t oldest = ledger_.Last() + 1;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    if (shard.oldest != nullptr) oldest = std::min(oldest, shard.oldest->number);
  }
  return oldest;
}

template <typename Visit>
void FlightTable::VisitOpen(const Visit& visit) const {
  const auto visit_shard = [&visit](const Shard& shard) {
    const std::lock_guard lock(shard.mutex);
    for (FlightState* state = shard.oldest; state != nullptr; state = state->newer) visit(*state);
  };
  for (const Shard& shard : shards_) visit_shard(shard);
  visit_shard(unstorable_);
}

std::vector<std::shared_ptr<FlightState>> FlightTable::Open() const {
  std::vector<std::shared_ptr<FlightState>> open;
  VisitOpen([&open](FlightState& state) {
    if (auto shared = state.weak_from_this().lock()) open.push_back(std::move(shared));
  });
  return open;
}

std::vector<std::shared_ptr<FlightState>> FlightTable::Due(Duration now) const {
  std::vector<std::shared_ptr<FlightState>> due;
  VisitOpen([&due, now](FlightState& state) {
    if (state.NextDeadline() > now) return;
    if (auto shared = state.weak_from_this().lock()) due.push_back(std::move(shared));
  });
  return due;
}

}  // namespace larder
