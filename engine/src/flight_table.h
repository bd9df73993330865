// FlightTable: which keys are being computed now (single-flight), and the oldest open lease.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flight_state.h"

namespace larder {

// Thread-safe. No callback of a follower runs under its locks.
class FlightTable {
 public:
  explicit FlightTable(Ledger& ledger) : ledger_(ledger) {}

  struct Joined {
    std::shared_ptr<FlightState> state;
    bool leads = false;               // the caller got the lease
    bool flight_ended_since = false;  // see Epoch
  };

  // Changes whenever a flight of the key's shard ends. A caller that looked the key up, found
  // nothing and then gets a lease must look again if a flight ended in between.
  std::uint64_t Epoch(std::uint64_t hash) const;

  // Joins the flight on `key`, adding `tags` to it, or starts one (filled in by `prepare`). A
  // flight is joined only if its number is above `newer_than` and nothing that it or the caller
  // is known to need was invalidated since it began; else the new one takes its place.
  Joined JoinOrLead(std::string_view key, std::uint64_t hash, const std::vector<std::string>& tags,
                    std::uint64_t newer_than, std::uint64_t epoch,
                    const std::function<void(FlightState&)>& prepare);

  // Takes in one whose outcome is not stored, and that nobody joins (FlightState::unstorable), for
  // its followers' deadlines and for closing, until it is finished. Needs no memory.
  void AddUnstorable(FlightState& state);
  // Adds the tags named at the end and fixes the set: those of later callers are not added, and
  // from now on joining looks at all of them. Returns the set.
  std::vector<std::string> FixTags(FlightState& state, const std::vector<std::string>& more);
  // The lease is gone and its write, if any, done. The first call counts.
  void Finish(FlightState& state);
  // Later callers do not join a flight on `key` that is older than `number`.
  void Detach(std::string_view key, std::uint64_t hash, std::uint64_t number);

  // A value with this number was put under `key`: what an older flight on it brings is for those
  // who wait for it, and not for who comes when it has ended.
  void NoteReplaced(std::string_view key, std::uint64_t hash, std::uint64_t number);
  bool IsReplaced(const FlightState& state) const;

  // The flight on `key` that a caller might join, or one that is still being written; or null.
  std::shared_ptr<FlightState> Find(std::string_view key, std::uint64_t hash) const;
  // Whether somebody computes `key` whom a caller might join.
  bool IsOpen(std::string_view key, std::uint64_t hash) const;
  // No open lease has a smaller number, nor will a later one.
  std::uint64_t OldestLease() const;
  std::vector<std::shared_ptr<FlightState>> Open() const;
  // The open flights that have something due at `now`.
  std::vector<std::shared_ptr<FlightState>> Due(Duration now) const;

 private:
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string_view, std::shared_ptr<FlightState>> by_key;  // key: in the state
    FlightState* oldest = nullptr;  // open leases, by number
    FlightState* newest = nullptr;
    std::atomic<std::uint64_t> epoch{0};
  };
  static constexpr std::size_t kShards = 64;

  Shard& ShardOf(std::uint64_t hash) { return shards_[hash % kShards]; }
  Shard& ShardOf(const FlightState& state) {
    return state.unstorable.ok() ? ShardOf(state.hash) : unstorable_;
  }
  const Shard& ShardOf(std::uint64_t hash) const { return shards_[hash % kShards]; }
  static void Link(Shard& shard, FlightState& state);
  // Calls `visit` with every open flight, under the lock of its shard.
  template <typename Visit>
  void VisitOpen(const Visit& visit) const;
  bool IsUntouched(const FlightState& state, const std::vector<TagHash>& tags) const;
  bool TryJoin(FlightState& state, const std::vector<std::string>& tags, std::uint64_t newer_than);
  static void RemoveFromTable(Shard& shard, FlightState& state);

  Ledger& ledger_;
  Shard shards_[kShards];
  Shard unstorable_;  // its list only, in any order
};

}  // namespace larder
