// P5: every kind of file, damaged in every way: no wrong value, no abort, and the cache works.
#include "corruption_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace larder::testing {
namespace {

class CorruptionSweepTest : public ::testing::TestWithParam<std::uint64_t> {
 protected:
  void Try(const std::vector<Damage>& damages) {
    std::string said;
    for (const Damage& damage : damages) said += ToString(damage) + "; ";
    ASSERT_EQ(sweep_.Try(damages), "") << said;
  }
  // At most about `most` places, all of them in a small file.
  void TryEverywhere(const std::string& kind, Damage::Kind what, std::uint64_t most) {
    const std::vector<std::string> files = sweep_.FilesOf(kind);
    ASSERT_FALSE(files.empty()) << kind;
    const std::uint64_t size = sweep_.SizeOf(files.front());
    for (std::uint64_t at = 0; at < size; at += std::max<std::uint64_t>(1, size / most)) {
      ASSERT_NO_FATAL_FAILURE(Try({{.kind = what, .file = files.front(), .at = at}}));
    }
  }

  CorruptionSweep sweep_{GetParam()};
};

TEST_P(CorruptionSweepTest, UndamagedEverythingIsServed) {
  Try({});
  EXPECT_EQ(sweep_.served(), sweep_.all());
}

TEST_P(CorruptionSweepTest, AFlippedByteInASmallFileIsNeverAWrongAnswer) {
  for (const char* kind : {"CURRENT", "IDENTITY", "state"}) {
    TryEverywhere(kind, Damage::Kind::kFlip, 60);
  }
}

TEST_P(CorruptionSweepTest, ADamagedLogManifestOrTableIsNeverAWrongAnswer) {
  for (const char* kind : {".log", "MANIFEST", ".sst", "OPTIONS"}) {
    TryEverywhere(kind, Damage::Kind::kFlip, 40);
    TryEverywhere(kind, Damage::Kind::kTruncate, 20);
    TryEverywhere(kind, Damage::Kind::kZero, 10);
  }
}

TEST_P(CorruptionSweepTest, ADamagedJournalForgetsTooMuchRatherThanTooLittle) {
  TryEverywhere("invalidations", Damage::Kind::kFlip, 120);
  TryEverywhere("invalidations", Damage::Kind::kTruncate, 20);
  TryEverywhere("invalidations", Damage::Kind::kZero, 20);
}

TEST_P(CorruptionSweepTest, AnyTwoDamagesAtOnceAreNeverAWrongAnswer) {
  for (int i = 0; i < 100; ++i) {
    const Damage first = sweep_.RandomDamage();
    ASSERT_NO_FATAL_FAILURE(Try({first, sweep_.RandomDamage()}));
  }
}

constexpr std::uint64_t kClosed = 20261126;
constexpr std::uint64_t kKilled = 20261127;
INSTANTIATE_TEST_SUITE_P(ClosedAndKilled, CorruptionSweepTest, ::testing::Values(kClosed, kKilled));

}  // namespace
}  // namespace larder::testing
