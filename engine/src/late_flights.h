// LateFlights: single-flight where there is no cache yet: nothing that comes of it is stored.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "flight_state.h"
#include "larder/cache.h"

namespace larder {

// Thread-safe. No callback of a follower runs under its lock.
class LateFlights {
 public:
  LateFlights(const Clock& clock, std::shared_ptr<const Executor> executor)
      : clock_(clock), executor_(std::move(executor)) {}

  // Numbers of computations; a cache's own are all below.
  static constexpr std::uint64_t kFirstNumber = std::uint64_t{1} << 62;

  // A lease, or the flight of who has one.
  Acquired Acquire(std::string_view key, const ReadOptions& options);
  // A lease that nobody joins, and why its outcome is not stored.
  Lease AcquireAlone(std::string_view key, Status why);
  // Nobody joins one that runs: something was invalidated, and it may be covered.
  void Detach();
  // Ends them all, as closing does.
  void End();
  // Ends what is due. To be called several times a second.
  void Sweep();
  // Whether none runs.
  bool empty() const;
  // Those that are remembered, ended ones among them.
  std::size_t known() const;

 private:
  std::shared_ptr<FlightState> Make(std::string_view key, Status why) const;
  // Those whose lease is out or that somebody still looks at.
  std::vector<std::shared_ptr<FlightState>> Known() const;
  void DropGone();

  const Clock& clock_;
  const std::shared_ptr<const Executor> executor_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<std::string, std::weak_ptr<FlightState>> by_key_;
  // No longer joined, though their lease may be out: for their deadlines, and for closing.
  std::vector<std::weak_ptr<FlightState>> detached_;
  std::size_t looked_through_at_ = 0;
  std::uint64_t last_number_ = kFirstNumber;
};

}  // namespace larder
