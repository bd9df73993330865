// ModelSchedule: a random sequence of calls and accidents, as plain data: made from a seed, it can
// be printed, cut down, and run again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace larder::testing {

enum class StepKind : std::uint8_t {
  kPut,
  kPutTogether,
  kTouch,
  kGet,
  kPeek,
  kGetTogether,
  kScan,
  kGetInMemory,
  kAcquire,
  kCommit,
  kCommitInBackground,
  kWrite,  // one that was left to the background
  kAbandon,
  kStop,        // a follower stops waiting
  kRun,         // something that was given to the executor
  kRefuseWork,  // the executor does not take what comes next
  kGetOrCompute,
  kRemove,
  kInvalidateTags,
  kInvalidatePrefix,
  kSoften,  // a soft invalidation of tags, a prefix or all
  kInvalidateAll,
  kInvalidateTogether,
  kCare,   // what the steward does
  kWatch,  // what the watchdog does
  kAdvance,
  kSync,
  kCompact,
  kExport,
  kImport,
  kBackup,
  kRestore,
  kDamage,  // to a file, while the cache is closed
  kReopen,
  kLateCommit,  // of a lease from before the cache was closed
  kKill,
  kPowerLoss,
};

// What the numbers mean is up to the kind; each is reduced to what there is (so that a step makes
// sense after others were taken out).
struct Step {
  StepKind kind = StepKind::kGet;
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  std::uint32_t c = 0;
  std::uint32_t d = 0;
};

std::string ToString(const Step& step);
std::vector<Step> MakeSchedule(std::uint64_t seed, std::size_t steps);

}  // namespace larder::testing
