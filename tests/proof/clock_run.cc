#include "clock_run.h"

#include <algorithm>
#include <array>
#include <utility>

namespace larder::testing {
namespace {

using namespace std::chrono_literals;  // NOLINT

constexpr int kKeys = 6;
constexpr Duration kTolerated = 2s;
constexpr std::array<Duration, 5> kLifetimes = {5s, 60s, 10min, 2h, 24h};
constexpr std::array<Duration, 8> kPauses = {1ms, 900ms, 1s, 3s, 58s, 5min, 5min + 1s, 1h};
constexpr std::array<Duration, 9> kWallSteps = {-24h, -1h, -5min, -2s, 1s, 2s, 2001ms, 10min, 24h};

Options EngineOptions() {
  Options options;
  options.max_memory_bytes = std::uint64_t{32} << 20;
  return options;
}

std::string ToText(Duration duration) { return std::to_string(duration.count()) + " ms"; }

}  // namespace

ClockRun::ClockRun(std::uint64_t seed)
    : random_(seed),
      cache_(EngineOptions(), {.hot_tier = seed % 3 != 0, .journal_room = 64}, seed) {}

void ClockRun::Fail(const std::string& what) {
  if (result_.finding.empty()) result_.finding = what;
  Note("FINDING: " + what);
}

ClockResult ClockRun::Run(unsigned steps) {
  if (const Status status = cache_.Open(); !status.ok()) Fail(status.ToString());
  least_ = cache_.clock().Wall();
  least_at_ = cache_.clock().SinceBoot();
  for (unsigned i = 0; i < steps && result_.finding.empty(); ++i) {
    ++result_.operations;
    Step(random_() % 100);
  }
  cache_.Close();
  return std::move(result_);
}

void ClockRun::Step(std::uint64_t dice) {
  if (dice < 20) return Put();
  if (dice < 60) return Get();
  if (dice < 80) return PassTime();
  if (dice < 92) return StepWall();
  if (dice < 95) return Restart(false, false);
  if (dice < 98) return Restart(true, false);
  Restart(dice == 99, true);
}

void ClockRun::Put() {
  const std::string key = "key " + std::to_string(random_() % kKeys);
  const Duration fresh = kLifetimes[random_() % kLifetimes.size()];
  const Duration stale = random_() % 3 == 0 ? Duration(30s) : Duration(0);
  Life life{.boot = boot_,
            .put_at = cache_.clock().SinceBoot(),
            .ttl = fresh + stale,
            .disturbed = WallIsAhead()};  // it is dated by what is adopted
  const Result<PutOutcome> outcome = cache_->Put(key, "v", {.ttl = fresh, .stale_if_error = stale});
  Note("put " + key + " for " + ToText(life.ttl));
  if (!outcome.ok()) return Fail("put: " + outcome.status().ToString());
  lives_[key] = life;
}

// Ahead of what the cache's time is at least. It may be less ahead of what it is.
bool ClockRun::WallIsAhead() {
  const TimePoint least = least_ + (cache_.clock().SinceBoot() - least_at_);
  return cache_.clock().Wall() > least + kTolerated;
}

void ClockRun::NoteLead() {
  if (!WallIsAhead()) return;
  for (auto& [key, life] : lives_) life.disturbed = true;
}

void ClockRun::CheckHit(const std::string& key, const Life& life, const Hit& hit) {
  const Duration since_boot = cache_.clock().SinceBoot();
  if (life.boot == boot_ && since_boot - life.put_at >= life.ttl) {
    Fail(key + " lives " + ToText(since_boot - life.put_at) + " after its put, in one boot");
  }
  const TimePoint least = least_ + (since_boot - least_at_);
  if (hit.entry.expires() <= least) Fail(key + " is served past its hard expiry");
  // The wall is looked at once a second, and this read is the first since time passed.
  if (cache_.clock().Wall() - hit.entry.expires() > kTolerated + 1s) {
    Fail(key + " is served though the wall is past its hard expiry");
  }
}

void ClockRun::Get() {
  const std::string key = "key " + std::to_string(random_() % kKeys);
  const auto life = lives_.find(key);
  const std::optional<Hit> hit = cache_->Get(key, {.max_stale = kForever});
  Note("get " + key + (hit.has_value() ? " -> hit" : " -> miss"));
  if (life == lives_.end()) {
    if (hit.has_value()) Fail(key + " was never put");
    return;
  }
  if (hit.has_value()) return CheckHit(key, life->second, *hit);
  const bool over = life->second.boot != boot_ ||
                    cache_.clock().SinceBoot() - life->second.put_at >= life->second.ttl;
  if (!over && !life->second.disturbed) Fail(key + " has ended early, and no clock was ahead");
}

// The steward looks at the clock every second.
void ClockRun::PassTime() {
  Duration left = kPauses[random_() % kPauses.size()];
  Note("pass " + ToText(left));
  for (; left > 1s; left -= 1s) {
    cache_.clock().Advance(1s);
    NoteLead();
    cache_.Care();
  }
  cache_.clock().Advance(left);
  NoteLead();
}

void ClockRun::StepWall() {
  const Duration by = kWallSteps[random_() % kWallSteps.size()];
  Note("step the wall by " + ToText(by));
  ++result_.clock_steps;
  cache_.clock().StepWall(by);
  NoteLead();
  // Until the next look a read may not know of it.
  cache_.clock().Advance(1001ms);
  NoteLead();
}

void ClockRun::Restart(bool killed, bool reboot) {
  Note(std::string(killed ? "kill" : "close") + (reboot ? ", reboot" : ""));
  if (killed) {
    ++result_.kills;
    cache_.CrashNow(Crash::kKill);
    static_cast<void>(cache_.Restart({}));
  } else {
    cache_.Close();
  }
  // Of a killed process only what it saved when it opened counts in another boot.
  if (!killed || !reboot) least_ += cache_.clock().SinceBoot() - least_at_;
  if (reboot) {
    ++boot_;
    cache_.clock().Reboot(kPauses[random_() % kPauses.size()]);
    if (random_() % 3 == 0) cache_.clock().StepWall(kWallSteps[random_() % kWallSteps.size()]);
    least_ = std::max(least_, cache_.clock().Wall());
  }
  least_at_ = cache_.clock().SinceBoot();
  if (const Status status = cache_.Open(); !status.ok()) return Fail(status.ToString());
  NoteLead();
}

}  // namespace larder::testing
