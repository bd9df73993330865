#include "model_schedule.h"

#include <array>
#include <iterator>
#include <random>

namespace larder::testing {
namespace {

struct Weight {
  StepKind kind;
  const char* name;
  unsigned share;
};

constexpr std::array kWeights = {
    Weight{StepKind::kPut, "put", 200},
    Weight{StepKind::kPutTogether, "put-together", 30},
    Weight{StepKind::kTouch, "touch", 40},
    Weight{StepKind::kGet, "get", 250},
    Weight{StepKind::kPeek, "peek", 30},
    Weight{StepKind::kGetTogether, "get-together", 10},
    Weight{StepKind::kScan, "scan", 10},
    Weight{StepKind::kGetInMemory, "get-in-memory", 30},
    Weight{StepKind::kAcquire, "acquire", 180},
    Weight{StepKind::kCommit, "commit", 110},
    Weight{StepKind::kCommitInBackground, "commit-in-background", 50},
    Weight{StepKind::kWrite, "write", 50},
    Weight{StepKind::kAbandon, "abandon", 15},
    Weight{StepKind::kStop, "stop", 10},
    Weight{StepKind::kRun, "run", 120},
    Weight{StepKind::kRefuseWork, "refuse-work", 5},
    Weight{StepKind::kGetOrCompute, "get-or-compute", 100},
    Weight{StepKind::kRemove, "remove", 50},
    Weight{StepKind::kInvalidateTags, "invalidate-tags", 40},
    Weight{StepKind::kInvalidatePrefix, "invalidate-prefix", 10},
    Weight{StepKind::kSoften, "soften", 20},
    Weight{StepKind::kInvalidateAll, "invalidate-all", 3},
    Weight{StepKind::kInvalidateTogether, "invalidate-together", 5},
    Weight{StepKind::kCare, "care", 10},
    Weight{StepKind::kWatch, "watch", 30},
    Weight{StepKind::kAdvance, "advance", 60},
    Weight{StepKind::kSync, "sync", 5},
    Weight{StepKind::kCompact, "compact", 10},
    Weight{StepKind::kExport, "export", 8},
    Weight{StepKind::kImport, "import", 25},
    Weight{StepKind::kBackup, "backup", 8},
    Weight{StepKind::kRestore, "restore", 8},
    Weight{StepKind::kDamage, "damage", 4},
    Weight{StepKind::kReopen, "reopen", 4},
    Weight{StepKind::kLateCommit, "late-commit", 5},
    Weight{StepKind::kKill, "kill", 8},
    Weight{StepKind::kPowerLoss, "power-loss", 8},
};

constexpr unsigned TotalShare() {
  unsigned total = 0;
  for (const Weight& weight : kWeights) total += weight.share;
  return total;
}

const Weight& Choose(std::mt19937_64& random) {
  std::uint64_t left = random() % TotalShare();
  std::size_t index = 0;
  while (left >= kWeights[index].share) left -= kWeights[index++].share;
  return kWeights[index];
}

}  // namespace

std::string ToString(const Step& step) {
  std::string text;
  for (const Weight& weight : kWeights) {
    if (weight.kind == step.kind) text = weight.name;
  }
  for (const std::uint32_t value : {step.a, step.b, step.c, step.d}) {
    text += ' ' + std::to_string(value);
  }
  return text;
}

std::vector<Step> MakeSchedule(std::uint64_t seed, std::size_t steps) {
  std::mt19937_64 random(seed);
  std::vector<Step> schedule;
  schedule.reserve(steps);
  const auto number = [&random] { return static_cast<std::uint32_t>(random() % 100'000); };
  for (std::size_t i = 0; i < steps; ++i) {
    const StepKind kind = Choose(random).kind;
    schedule.push_back({.kind = kind, .a = number(), .b = number(), .c = number(), .d = number()});
  }
  return schedule;
}

}  // namespace larder::testing
