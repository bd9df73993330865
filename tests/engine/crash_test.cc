// P2: what was acknowledged survives `kill -9`; what was invalidated or removed does not come
// back. The oracle lives in this process, outside the one that is killed.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

#include "kill_loop.h"
#include "temp_dir.h"

namespace larder::testing {
namespace {

TEST(CrashTest, KilledBetweenAnyTwoStepsNothingAcknowledgedIsLostOrResurrected) {
  constexpr std::uint64_t kSeed = 20261122;
  constexpr int kRounds = 50;
  TempDir dir;
  KillLoop loop(LARDER_CRASH_WRITER, dir / "cache", kSeed);
  std::uint64_t operations = 0;
  int refused = 0;
  std::set<std::string> reached;
  for (int i = 0; i < kRounds; ++i) {
    const KillLoop::Round round = loop.RunRound();
    ASSERT_EQ(round.finding, "") << "seed " << kSeed << ", round " << i << ", killed at "
                                 << (round.point.empty() ? "any moment" : round.point);
    if (round.reached) reached.insert(round.point);
    operations += round.operations;
    refused += round.refused ? 1 : 0;
  }
  EXPECT_GT(operations, 1000u);
  EXPECT_LT(refused, kRounds / 4) << "calls that failed on a sound disk";
  EXPECT_GT(reached.size(), KillPoints().size() * 2 / 3) << "of all kill points";
}

}  // namespace
}  // namespace larder::testing
