#include "cache_clock.h"

#include <algorithm>

namespace larder {
namespace {

constexpr std::int64_t kLookPeriod = 1'000;
constexpr std::int64_t kToleratedLead = 2'000;
constexpr std::int64_t kAdoptAfter = std::int64_t{5} * 60 * 1'000;
// The end of the year 9999. Bounding each input keeps every sum of two far from overflow.
constexpr std::int64_t kLatest = 253'402'300'799'999;

bool IsSane(TimePoint time) {
  return time > TimePoint{} && time.time_since_epoch().count() <= kLatest;
}

std::int64_t Bounded(Duration since_epoch) {
  return std::clamp<std::int64_t>(since_epoch.count(), 0, kLatest);
}

TimePoint ToTimePoint(std::int64_t millis) { return TimePoint(Duration(millis)); }

}  // namespace

CacheClock::CacheClock(const Clock& clock, const ClockAnchor& saved)
    : clock_(clock), boot_id_(clock.BootId()) {
  const Millis boot = SinceBoot();
  Millis now = Bounded(clock.Wall().time_since_epoch());
  // The same boot: the wall clock has no say. (An anchor from before 1970 is fine: it is the time
  // of boot by a wall clock that was wrong at first.)
  const bool same_boot = !boot_id_.empty() && saved.boot_id == boot_id_ &&
                         saved.at_boot >= ToTimePoint(-kLatest) && IsSane(saved.last_seen) &&
                         saved.at_boot <= saved.last_seen;
  if (same_boot) now = saved.at_boot.time_since_epoch().count() + boot;
  // Time never goes back behind what was seen, whatever the boot.
  if (IsSane(saved.last_seen)) now = std::max(now, saved.last_seen.time_since_epoch().count());
  adopted_at_boot_.store(now - boot);
  reads_at_boot_.store(now - boot);
  Look();
}

CacheClock::Millis CacheClock::SinceBoot() const { return Bounded(clock_.SinceBoot()); }

TimePoint CacheClock::Now() const {
  const Millis boot = SinceBoot();
  if (boot - last_look_.load(std::memory_order_relaxed) > kLookPeriod) {
    // Lock-free: if another thread looks, its result may be seen a moment later.
    if (const std::unique_lock lock(look_mutex_, std::try_to_lock); lock.owns_lock()) Look();
  }
  return ToTimePoint(reads_at_boot_.load(std::memory_order_acquire) + boot);
}

TimePoint CacheClock::Adopted() const {
  return ToTimePoint(adopted_at_boot_.load(std::memory_order_acquire) + SinceBoot());
}

bool CacheClock::Tick() const {
  const std::lock_guard lock(look_mutex_);
  Look();
  return due_lead_ != 0;
}

// What becomes due is the least lead seen in those minutes, so that a second, larger step at
// their end has to wait for its own. The caller holds look_mutex_, or is the constructor.
void CacheClock::Look() const {
  const Millis boot = SinceBoot();
  const Millis wall_at_boot = Bounded(clock_.Wall().time_since_epoch()) - boot;
  const Millis adopted = adopted_at_boot_.load(std::memory_order_relaxed);
  const Millis lead = wall_at_boot - adopted;
  last_look_.store(boot, std::memory_order_relaxed);
  if (lead <= kToleratedLead) {
    ahead_ = false;
    due_lead_ = 0;
    reads_at_boot_.store(adopted, std::memory_order_release);
    return;
  }
  if (!ahead_) {
    ahead_ = true;
    ahead_since_ = boot;
    least_lead_ = lead;
  }
  least_lead_ = std::min(least_lead_, lead);
  if (boot - ahead_since_ >= kAdoptAfter) due_lead_ = least_lead_;
  reads_at_boot_.store(wall_at_boot, std::memory_order_release);
}

ClockAnchor CacheClock::Save() const {
  const std::lock_guard lock(look_mutex_);
  const Millis at_boot = adopted_at_boot_.load(std::memory_order_relaxed) + due_lead_;
  return {.boot_id = boot_id_,
          .at_boot = ToTimePoint(at_boot),
          .last_seen = ToTimePoint(at_boot + SinceBoot())};
}

void CacheClock::Adopt(const ClockAnchor& saved) {
  const Millis at_boot = saved.at_boot.time_since_epoch().count();
  const std::lock_guard lock(look_mutex_);
  if (at_boot <= adopted_at_boot_.load(std::memory_order_relaxed)) return;
  // Reads first: they are never behind what is adopted.
  reads_at_boot_.store(std::max(reads_at_boot_.load(std::memory_order_relaxed), at_boot),
                       std::memory_order_release);
  adopted_at_boot_.store(at_boot, std::memory_order_release);
  due_lead_ = 0;
  ahead_ = false;  // what is left of the lead, if anything, starts anew at the next look
}

}  // namespace larder
