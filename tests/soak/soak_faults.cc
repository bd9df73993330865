#include "soak_faults.h"

#include <signal.h>
#include <sys/resource.h>

#include <thread>

#include "process_watch.h"

namespace larder::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

// A call that hangs is given up after 3 s; by then the circuit may have opened for 2 s.
constexpr milliseconds kUpstreamGrace = 8s;
// What a gateway that did not run makes of its upstreams' answers.
constexpr milliseconds kPauseGrace = 5s;
// A new process listens when Start returns; connections of the old one may be in the air.
constexpr milliseconds kLifeGrace = 1s;

void Pause(SoakCaller& caller, std::uint64_t least_ms, std::uint64_t more_ms) {
  std::this_thread::sleep_for(milliseconds(least_ms + caller.Random(more_ms)));
}

void MisbehaveFor(SoakWorld& world, SoakCaller& caller, unsigned percent,
                  const std::vector<std::string>& names) {
  const Calm::Disturbance disturbance(world.calm, kUpstreamGrace);
  world.upstream.Misbehave(percent, names);
  Pause(caller, 500, 3'000);
  world.upstream.Behave();
}

void Storm(SoakWorld& world, SoakCaller& caller) { MisbehaveFor(world, caller, 30, {}); }
void AllWrong(SoakWorld& world, SoakCaller& caller) { MisbehaveFor(world, caller, 100, {}); }
void Overload(SoakWorld& world, SoakCaller& caller) {
  MisbehaveFor(world, caller, 80,
               {"InternalError", "Overloaded", "RateLimited", "RetryAfterTooLong", "OutOfQuota"});
}
void Hang(SoakWorld& world, SoakCaller& caller) {
  MisbehaveFor(world, caller, 60, {"SlowHead", "NoHead", "ChunksWithoutEnd", "SilenceInBody"});
}
void Cut(SoakWorld& world, SoakCaller& caller) {
  MisbehaveFor(world, caller, 60,
               {"LengthTooLarge", "ResetInBody", "ChunksClosedWithoutEnd", "ResetWithoutAnswer",
                "LengthTooSmall", "ErrorUnder200"});
}

void CrashUpstream(SoakWorld& world, SoakCaller& caller) {
  const Calm::Disturbance disturbance(world.calm, kUpstreamGrace);
  world.upstream.Crash();
  Pause(caller, 200, 2'000);
  world.upstream.Return();
}

void StopForAWhile(SoakWorld& world, SoakCaller& caller) {
  const Calm::Disturbance disturbance(world.calm, kPauseGrace);
  world.gateway.Signal(SIGSTOP);
  Pause(caller, 100, 1'500);
  world.gateway.Signal(SIGCONT);
}

void Restart(SoakWorld& world) {
  if (!world.gateway.Start()) world.tally.Find("does not start: " + world.gateway.why_not());
}

void Kill(SoakWorld& world, SoakCaller&) {
  const Calm::Disturbance disturbance(world.calm, kLifeGrace);
  world.gateway.Kill();
  Restart(world);
}

void End(SoakWorld& world, SoakCaller&) {
  const Calm::Disturbance disturbance(world.calm, kLifeGrace);
  const int status = world.gateway.Stop();
  if (status != 0) {
    world.tally.Find("SIGTERM ended it with status " + std::to_string(status) + ": " +
                     world.gateway.LastLog());
  }
  Restart(world);
}

void KillAndDamage(SoakWorld& world, SoakCaller& caller) {
  const Calm::Disturbance disturbance(world.calm, kLifeGrace);
  world.gateway.Kill();
  for (std::uint64_t left = 1 + caller.Random(3); left > 0; --left) {
    world.gateway.DamageStore(caller.Random(~std::uint64_t{0}));
  }
  Restart(world);
}

// From here on callers must notice nothing.
void FillVolume(SoakWorld& world, SoakCaller& caller) {
  if (!world.gateway.has_volume()) return;
  world.gateway.FillVolume();
  Pause(caller, 1'000, 3'000);
  world.gateway.EmptyVolume();
}

// It passes requests by until there is room.
void KillAndStartOnFullVolume(SoakWorld& world, SoakCaller& caller) {
  if (!world.gateway.has_volume()) return;
  const Calm::Disturbance disturbance(world.calm, kLifeGrace);
  world.gateway.Kill();
  world.gateway.FillVolume();
  Restart(world);
  Pause(caller, 1'000, 3'000);
  world.gateway.EmptyVolume();
}

void MakeReadOnly(SoakWorld& world, SoakCaller& caller) {
  if (!world.gateway.has_volume()) return;
  world.gateway.MakeStoreReadOnly();
  Pause(caller, 1'000, 3'000);
  world.gateway.MakeStoreWritable();
}

// New connections need descriptors too.
void TakeDescriptors(SoakWorld& world, SoakCaller& caller) {
  const Calm::Disturbance disturbance(world.calm, kUpstreamGrace);
  const ProcessSample now = SampleProcess(world.gateway.pid());
  rlimit before{};
  ::prlimit(world.gateway.pid(), RLIMIT_NOFILE, nullptr, &before);
  const rlimit few{now.sockets + now.files + caller.Random(4), before.rlim_max};
  ::prlimit(world.gateway.pid(), RLIMIT_NOFILE, &few, nullptr);
  Pause(caller, 500, 1'500);
  ::prlimit(world.gateway.pid(), RLIMIT_NOFILE, &before, nullptr);
}

void Burst(SoakWorld&, SoakCaller& caller) { caller.Burst(200); }

void HangUpSignal(SoakWorld& world, SoakCaller&) { world.gateway.Signal(SIGHUP); }

void ChangeConfiguration(SoakWorld& world, SoakCaller& caller) {
  static const std::vector<std::string> kPatches = {
      R"({"cache": {"compression": {"level": 1}}})",
      R"({"cache": {"compression": {"level": 0}}})",
      R"({"cache": {"compression": {"level": 3}}})",
      R"({"logging": {"level": "debug"}})",
      R"({"logging": {"level": "info"}})",
      R"({"cache": {"max_memory_bytes": "40MiB"}})",
      R"({"cache": {"max_memory_bytes": "32MiB"}})",
      R"({"providers": {"more": {"base_url": "http://127.0.0.1:1"}}})",
      R"({"providers": {"more": null}})"};
  world.gateway.Configure(kPatches[caller.Random(kPatches.size())]);
  Pause(caller, 200, 300);
}

void BreakConfiguration(SoakWorld& world, SoakCaller& caller) {
  world.gateway.BreakConfiguration();
  world.gateway.Signal(SIGHUP);
  Pause(caller, 200, 300);
  world.gateway.RestoreConfiguration();
}

void Administer(SoakWorld& world, SoakCaller&) {
  for (const char* path : {"/v1/stats", "/v1/entries", "/v1/config", "/metrics"}) {
    if (!world.gateway.Admin("GET", path)) {
      world.tally.Find(std::string("the admin API did not answer GET ") + path);
    }
  }
  world.gateway.Admin("POST", "/v1/compact");
}

bool StoreIsWell(SoakCaller& caller) {
  std::optional<WireClient> connection = caller.Connect();
  if (!connection) return false;
  const WireAnswer answer = connection->Ask("GET", "/readyz");
  return answer.status == 200 && answer.body.find(R"("degraded":false)") != std::string::npos;
}

}  // namespace

const std::vector<SoakFault>& SoakFaults() {
  static const std::vector<SoakFault> faults = {
      {"upstream: storm", false, Storm},
      {"upstream: all wrong", false, AllWrong},
      {"upstream: overloaded", false, Overload},
      {"upstream: hangs", false, Hang},
      {"upstream: cuts", false, Cut},
      {"upstream: crashed", false, CrashUpstream},
      {"process: stopped for a while", false, StopForAWhile},
      {"process: few descriptors", false, TakeDescriptors},
      {"store: volume full", false, FillVolume},
      {"store: read-only", false, MakeReadOnly},
      {"callers: 200 ask one thing", false, Burst},
      {"configuration: SIGHUP", false, HangUpSignal},
      {"configuration: changed", false, ChangeConfiguration},
      {"configuration: broken", false, BreakConfiguration},
      {"admin: looked at and compacted", false, Administer},
      {"process: killed", true, Kill},
      {"process: ended", true, End},
      {"process: killed, store damaged", true, KillAndDamage},
      {"process: killed, started on a full volume", true, KillAndStartOnFullVolume},
  };
  return faults;
}

void AwaitRecovery(SoakWorld& world, SoakCaller& caller, const std::string& after) {
  // A store that did not last is opened again after up to 64 s.
  constexpr auto kAnswers = 20s;
  constexpr auto kStore = 150s;
  const SoakTime begin = SoakClock::now();
  while (!caller.Probe()) {
    if (SoakClock::now() - begin > kAnswers) {
      return world.tally.Find("no answers for 20 s after " + after);
    }
    std::this_thread::sleep_for(100ms);
  }
  while (!StoreIsWell(caller)) {
    if (SoakClock::now() - begin > kStore) {
      return world.tally.Find("the store is not back 150 s after " + after + ": " +
                              world.gateway.LastLog());
    }
    std::this_thread::sleep_for(100ms);
  }
}

}  // namespace larder::testing
