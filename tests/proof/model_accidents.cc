// Invalidations, restarts and crashes of a schedule; running, and cutting down, whole schedules.
#include <algorithm>
#include <utility>

#include "model_run.h"

namespace larder::testing {
namespace {

constexpr unsigned kMostStepsBeforeACrash = 6;

}  // namespace

Effect ModelRun::Remove(const std::string& key) {
  const Instant began = oracle_.Tick();
  if (const Status status = cache_->Remove(key); !status.ok()) {
    Fail("remove: " + status.ToString());
  }
  table_.erase(key);
  ++removals_;
  return {.rows = {{.key = key, .began = began}}, .synced = true};
}

Effect ModelRun::Invalidate(Tags tags) {
  if (tags.empty()) return {};
  const Instant at = oracle_.Tick();
  const Result<std::uint64_t> number = cache_->Invalidate({.tags = {tags.begin(), tags.end()}});
  if (number.ok()) {
    NoteNumber(at, *number);
  } else {
    Fail("invalidate: " + number.status().ToString());
  }
  return {.invalidated = std::move(tags), .at = at, .time = now()};
}

Effect ModelRun::InvalidatePrefix(const Step& step) {
  const std::string prefix = PrefixOf(step.a);
  const Instant at = oracle_.Tick();
  const Result<std::uint64_t> number = cache_->Invalidate({.prefixes = {prefix}});
  if (number.ok()) {
    NoteNumber(at, *number);
  } else {
    Fail("invalidate: " + number.status().ToString());
  }
  return {.invalidated = {PrefixName(prefix)}, .at = at, .time = now()};
}

Effect ModelRun::Soften(const Step& step) {
  Invalidation what{.all = step.c % 8 == 0, .soft = true};
  Effect effect{.invalidated_all = what.all, .soft = true, .time = now()};
  if (step.d % 2 == 0) effect.invalidated = TagsOf(step.b);
  what.tags = {effect.invalidated.begin(), effect.invalidated.end()};
  if (step.d % 3 == 0) {
    what.prefixes = {PrefixOf(step.a)};
    effect.invalidated.insert(PrefixName(what.prefixes.front()));
  }
  if (effect.invalidated.empty() && !what.all) return {};
  effect.at = oracle_.Tick();
  const Result<std::uint64_t> number = cache_->Invalidate(what);
  if (number.ok()) {
    NoteNumber(effect.at, *number);
  } else {
    Fail("soften: " + number.status().ToString());
  }
  return effect;
}

Effect ModelRun::InvalidateAll() {
  const Instant at = oracle_.Tick();
  const Result<std::uint64_t> number = cache_->Invalidate({.all = true});
  if (number.ok()) {
    NoteNumber(at, *number);
  } else {
    Fail("invalidate: " + number.status().ToString());
  }
  return {.invalidated_all = true, .at = at, .time = now()};
}

Effect ModelRun::Sync() {
  Effect effect = WriteAll();
  if (const Status status = cache_->Sync(); !status.ok()) Fail("sync: " + status.ToString());
  effect.synced = true;
  return effect;
}

Effect ModelRun::Compact() {
  if (const Status status = cache_->Compact(); !status.ok()) Fail("compact: " + status.ToString());
  return {};
}

void ModelRun::OpenCache() {
  if (const Status status = cache_.Open(); !status.ok()) Fail("open: " + status.ToString());
}

Effect ModelRun::InvalidateTogether(const Step& step) {
  Tags tags = TagsOf(step.b);
  const bool all = step.c % 8 == 0;
  if (tags.empty() && !all) return {};
  const Instant at = oracle_.Tick();
  std::vector<Invalidation> several;
  for (const std::string& tag : tags) several.push_back({.tags = {tag}});
  if (all) several.push_back({.all = true});
  const Result<std::uint64_t> number = cache_->MultiInvalidate(several);
  if (number.ok()) {
    NoteNumber(at, *number);
  } else {
    Fail("invalidate: " + number.status().ToString());
  }
  return {.invalidated = std::move(tags), .invalidated_all = all, .at = at, .time = now()};
}

// Leases stay with their holders, who find out when they commit. The cache is closed.
void ModelRun::LoseFlights() {
  for (auto& [id, flight] : flights_) {
    if (!flight.ended) flight.may_be_cancelled = true;
    if (flight.lease.has_value()) late_leases_.push_back(*std::move(flight.lease));
    flight.lease.reset();
    flight.ended = true;
  }
  losing_ = true;
  for (; !work_.empty(); work_.pop_front()) work_.front()();
  losing_ = false;
  CheckEnds();
  if (!followers_.empty()) Fail("a follower was not told that the cache is closed");
  followers_.clear();
  table_.clear();
  flights_.clear();
}

Effect ModelRun::Reopen() {
  Effect effect = WriteAll();
  cache_.Close();
  LoseFlights();
  OpenCache();
  return effect;
}

Effect ModelRun::LateCommit(const Step& step) {
  if (late_leases_.empty()) return {};
  Lease lease = std::move(late_leases_.back());
  late_leases_.pop_back();
  const Committed committed = lease.Commit("late", WriteOf(step, TagsOf(step.b)));
  if (committed.outcome != PutOutcome::kNotStored ||
      committed.status.code() != StatusCode::kUnavailable) {
    Fail("a lease of a closed cache was committed");
  }
  return {};
}

// At once, or so many changes of files later.
void ModelRun::ArmCrash(const Step& step, Crash how) {
  if (armed_.has_value() || options_.on_disk) return;
  ArmedCrash armed{.how = how, .steps_left = 0, .again = {}};
  if (step.b % 4 == 0) armed.again = step.b / 4 % 40;
  if (step.a % 4 != 0) {
    armed.steps_left = 1 + step.a / 4 % kMostStepsBeforeACrash;
    const std::uint64_t operations = step.c % (step.d % 2 == 0 ? 4 : 40);
    cache_.ArmCrash(how, operations, step.d / 2 % 2 == 0);
  }
  armed_ = armed;
}

void ModelRun::AfterStep(const Effect& effect) {
  if (!result_.finding.empty()) return;
  const bool came = armed_.has_value() && armed_->steps_left > 0 && cache_.CrashCame();
  if (came && cache_.TakeCrash()) {
    Note("crashed in that step");
    Recover(effect);
    return;
  }
  oracle_.Apply(effect);
  if (!armed_.has_value()) return;
  if (armed_->steps_left > 0 && --armed_->steps_left > 0) return;
  // Taken between the last look and now, or now.
  if (!cache_.TakeCrash()) cache_.CrashNow(armed_->how);
  Note("crashed after that step");
  Recover({});
}

void ModelRun::Recover(const Effect& pending) {
  const ArmedCrash crash = *std::exchange(armed_, std::nullopt);
  writes_.clear();  // with the process
  if (crash.how == Crash::kKill) {
    ++result_.kills;
  } else {
    ++result_.power_losses;
  }
  if (const Status status = cache_.Restart(crash.again); !status.ok()) {
    return Fail("open after a crash: " + status.ToString());
  }
  LoseFlights();
  if (crash.how == Crash::kPowerLoss) cache_.clock().Reboot(std::chrono::seconds(30));
  CacheOracle::Found found;
  const Status status = cache_.Look([&](Cache& cache) {
    for (std::uint32_t i = 0; i < options_.keys; ++i) {
      const std::optional<Hit> hit = cache.Get(KeyOf(i), {.max_stale = kForever});
      if (!hit.has_value()) continue;
      const std::uint64_t id = IdOfBody(hit->entry.body());
      if (!oracle_.Knows(id)) return Fail("a body that nobody wrote");
      CheckEntry(hit->entry, oracle_.ValueOf(id));
      found[KeyOf(i)] = {.key = KeyOf(i),
                         .id = id,
                         .fresh_until = hit->entry.fresh_until(),
                         .expires = hit->entry.expires()};
    }
  });
  if (!status.ok()) return Fail("open after a crash: " + status.ToString());
  for (const std::string& error : cache_.TakeErrors()) Note("logged: " + error);
  for (const auto& [key, row] : found) {
    Note("found: " + key + ", value " + std::to_string(row.id));
  }
  const std::string wrong = oracle_.AdoptCrash(crash.how, pending, found, now());
  if (!wrong.empty()) Fail("after a crash " + wrong);
  OpenCache();
}

ModelResult RunModel(const ModelOptions& options, const std::vector<Step>& schedule) {
  return ModelRun(options).Run(schedule);
}

// Half, then a quarter, and so on, as long as what is left still has a finding.
std::vector<Step> Shrink(const ModelOptions& options, std::vector<Step> schedule) {
  for (std::size_t chunk = schedule.size() / 2; chunk > 0; chunk /= 2) {
    for (std::size_t from = 0; from < schedule.size();) {
      std::vector<Step> less = schedule;
      const auto begin = less.begin() + static_cast<std::ptrdiff_t>(from);
      less.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(chunk, less.size() - from)));
      if (RunModel(options, less).finding.empty()) {
        from += chunk;
      } else {
        schedule = std::move(less);
      }
    }
  }
  return schedule;
}

ModelResult RunModel(std::uint64_t seed, std::size_t steps) {
  const ModelOptions options = MakeModelOptions(seed);
  const std::vector<Step> schedule = MakeSchedule(seed, steps);
  ModelResult result = RunModel(options, schedule);
  if (result.finding.empty()) return result;
  // The history up to the finding is all that matters.
  std::vector<Step> up_to(schedule.begin(),
                          schedule.begin() + static_cast<std::ptrdiff_t>(result.steps));
  ModelResult shrunk = RunModel(options, Shrink(options, std::move(up_to)));
  return shrunk.finding.empty() ? result : shrunk;
}

}  // namespace larder::testing
