#include "late_flights.h"

#include <algorithm>
#include <utility>

#include "cache_core.h"

namespace larder {
namespace {

// So many more than the last time, and those that are gone are looked for.
constexpr std::size_t kBetweenLooks = 64;

bool IsGone(const std::weak_ptr<FlightState>& flight) { return flight.expired(); }

}  // namespace

std::shared_ptr<FlightState> LateFlights::Make(std::string_view key, Status why) const {
  auto flight = std::make_shared<FlightState>();
  flight->key = key;
  flight->reason = MissReason::kFault;
  flight->executor = executor_;
  flight->started = clock_.SinceBoot();
  flight->clock = &clock_;
  flight->unstorable = std::move(why);
  return flight;
}

Lease LateFlights::AcquireAlone(std::string_view key, Status why) {
  std::shared_ptr<FlightState> flight = Make(key, std::move(why));
  const std::lock_guard lock(mutex_);
  DropGone();
  detached_.push_back(flight);
  return Lease(std::move(flight));
}

Acquired LateFlights::Acquire(std::string_view key, const ReadOptions& options) {
  std::shared_ptr<FlightState> flight =
      Make(key, {StatusCode::kUnavailable, "the cache is not open yet"});
  if (options.lease_timeout != kForever) {
    flight->deadline = flight->started + std::min(options.lease_timeout, kLongest);
    flight->NoteDeadline(flight->deadline);
  }
  std::shared_ptr<FlightState> other;
  {
    const std::lock_guard lock(mutex_);
    DropGone();
    std::weak_ptr<FlightState>& known = by_key_[flight->key];
    other = known.lock();
    const bool joins = other != nullptr && !other->end().has_value() &&
                       other->number > options.newer_than && other->deadline > flight->started;
    if (!joins) {
      if (other != nullptr) detached_.push_back(known);
      flight->number = ++last_number_;
      known = flight;
      return Lease(std::move(flight));
    }
  }
  return Flight(std::move(other));
}

// The caller holds mutex_.
void LateFlights::DropGone() {
  if (by_key_.size() + detached_.size() < looked_through_at_ + kBetweenLooks) return;
  std::erase_if(by_key_, [](const auto& known) { return IsGone(known.second); });
  std::erase_if(detached_, IsGone);
  looked_through_at_ = 2 * (by_key_.size() + detached_.size());
}

void LateFlights::Detach() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, flight] : by_key_) detached_.push_back(std::move(flight));
  by_key_.clear();
  DropGone();
}

// To be dropped without the lock: who holds one last destroys what its followers left in it.
std::vector<std::shared_ptr<FlightState>> LateFlights::Known() const {
  std::vector<std::shared_ptr<FlightState>> flights;
  const auto add = [&flights](const std::weak_ptr<FlightState>& weak) {
    if (std::shared_ptr<FlightState> flight = weak.lock()) flights.push_back(std::move(flight));
  };
  const std::lock_guard lock(mutex_);
  for (const auto& [key, flight] : by_key_) add(flight);
  for (const auto& flight : detached_) add(flight);
  return flights;
}

void LateFlights::End() {
  for (const std::shared_ptr<FlightState>& flight : Known()) {
    flight->End({.entry = std::nullopt,
                 .status = {StatusCode::kCancelled, "the cache is closed"},
                 .acquire_again = true});
  }
}

void LateFlights::Sweep() {
  const Duration now = clock_.SinceBoot();
  for (const std::shared_ptr<FlightState>& flight : Known()) flight->EndDue(now);
}

std::size_t LateFlights::known() const {
  const std::lock_guard lock(mutex_);
  return by_key_.size() + detached_.size();
}

bool LateFlights::empty() const {
  return std::ranges::all_of(Known(), [](const auto& flight) { return flight->end().has_value(); });
}

}  // namespace larder
