#include "proof_parts.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>

#include "clock_run.h"
#include "corruption_sweep.h"
#include "history_run.h"
#include "kill_loop.h"
#include "model_run.h"
#include "tmpfs_dir.h"

namespace larder::testing {
namespace {

// Calls `run` with one seed after the other until the time is over.
template <typename Run>
ProofTally ForEachSeed(const ProofArguments& arguments, const Run& run) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(arguments.seconds);
  ProofTally tally{.next_seed = arguments.seed};
  do {
    run(tally.next_seed++, tally);
  } while (std::chrono::steady_clock::now() < end);
  return tally;
}

void PrintFinding(const std::string& where, const std::string& what, ProofTally& tally) {
  ++tally.findings;
  std::printf("FINDING: %s: %s\n", where.c_str(), what.c_str());
  std::fflush(stdout);
}

ProofTally RunModelPart(const ProofArguments& arguments) {
  return ForEachSeed(arguments, [&](std::uint64_t seed, ProofTally& tally) {
    const ModelResult result = RunModel(seed, arguments.steps);
    tally.operations += result.steps;
    tally.kills += result.kills;
    tally.power_losses += result.power_losses;
    if (!result.finding.empty()) {
      PrintFinding("model, " + ToString(MakeModelOptions(seed)), result.finding, tally);
    }
    if (!result.finding.empty() || arguments.seconds == 0) {
      for (const std::string& line : result.history) std::printf("  %s\n", line.c_str());
    }
  });
}

std::string CrashWriterBesideThis() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "crash_writer";
}

// One cache for so many rounds, so that damage would have time to show.
ProofTally RunKillPart(const ProofArguments& arguments) {
  return ForEachSeed(arguments, [&](std::uint64_t seed, ProofTally& tally) {
    TmpfsDir dir;
    KillLoop loop(CrashWriterBesideThis(), dir / "cache", seed);
    for (int i = 0; i < arguments.rounds; ++i) {
      const KillLoop::Round round = loop.RunRound();
      tally.operations += round.operations;
      ++tally.kills;
      if (round.refused) ++tally.faults;
      if (round.finding.empty()) continue;
      PrintFinding("kill, seed " + std::to_string(seed) + ", round " + std::to_string(i) +
                       ", killed at " + (round.point.empty() ? "any moment" : round.point),
                   round.finding, tally);
      return;
    }
  });
}

// A new cache a seed; one to three damages a time.
ProofTally RunCorruptionPart(const ProofArguments& arguments) {
  constexpr int kTries = 100;
  return ForEachSeed(arguments, [](std::uint64_t seed, ProofTally& tally) {
    CorruptionSweep sweep(seed);
    for (int i = 0; i < kTries; ++i) {
      std::vector<Damage> damages;
      std::string said;
      for (int count = 0; count <= i % 3; ++count) {
        damages.push_back(sweep.RandomDamage());
        said += ToString(damages.back()) + "; ";
      }
      tally.faults += damages.size();
      tally.operations += 2 * sweep.all();
      const std::string wrong = sweep.Try(damages);
      if (wrong.empty()) continue;
      PrintFinding("corruption, seed " + std::to_string(seed) + ", " + said, wrong, tally);
      return;
    }
  });
}

ProofTally RunHistoryPart(const ProofArguments& arguments) {
  return ForEachSeed(arguments, [](std::uint64_t seed, ProofTally& tally) {
    const HistoryVerdict verdict = RunHistory(
        {.seed = seed, .threads = 2 + static_cast<unsigned>(seed % 7), .operations = 2'000});
    tally.operations += verdict.operations;
    for (const std::string& finding : verdict.findings) {
      PrintFinding("history, seed " + std::to_string(seed), finding, tally);
    }
  });
}

ProofTally RunClockPart(const ProofArguments& arguments) {
  return ForEachSeed(arguments, [&](std::uint64_t seed, ProofTally& tally) {
    const ClockResult result = ClockRun(seed).Run(static_cast<unsigned>(arguments.steps));
    tally.operations += result.operations;
    tally.faults += result.clock_steps;
    tally.kills += result.kills;
    if (!result.finding.empty()) {
      PrintFinding("clock, seed " + std::to_string(seed), result.finding, tally);
    }
    if (!result.finding.empty() || arguments.seconds == 0) {
      for (const std::string& line : result.history) std::printf("  %s\n", line.c_str());
    }
  });
}

}  // namespace

const std::vector<ProofPart>& ProofParts() {
  static const std::vector<ProofPart> parts = {
      {"model", "random schedules, kills and losses of power against an oracle", RunModelPart},
      {"kill", "a real process killed between any two steps, 50 rounds (--rounds) a seed",
       RunKillPart},
      {"corruption", "every kind of file damaged, 100 times a seed", RunCorruptionPart},
      {"history", "two to eight threads at once; every read checked afterwards", RunHistoryPart},
      {"clock", "random steps of the wall clock, restarts, kills and boots", RunClockPart},
  };
  return parts;
}

}  // namespace larder::testing
