// P1, P2, P7: random schedules of calls, restarts, kills and losses of power, against an oracle
// that knows what may be answered. A finding prints its seed; `proof model --seed=N` shows it.
#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>

#include "model_run.h"

namespace larder::testing {
namespace {

TEST(CacheModelTest, EveryAnswerIsOneThatThePromisesAllow) {
  constexpr std::uint64_t kFirstSeed = 1;
  constexpr std::uint64_t kSeeds = 120;
  constexpr std::size_t kSteps = 300;
  ModelResult sum;
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + kSeeds; ++seed) {
    const ModelResult result = RunModel(seed, kSteps);
    ASSERT_EQ(result.finding, "") << ToString(MakeModelOptions(seed)) << "\n"
                                  << ::testing::PrintToString(result.history);
    sum.hits += result.hits;
    sum.kills += result.kills;
    sum.power_losses += result.power_losses;
  }
  // It would prove nothing if hardly anything happened.
  EXPECT_GT(sum.hits, kSeeds * 10);
  EXPECT_GT(sum.kills, kSeeds);
  EXPECT_GT(sum.power_losses, kSeeds);
  std::cout << "seeds " << kFirstSeed << " to " << kSeeds << ": " << sum.hits << " hits, "
            << sum.kills << " kills, " << sum.power_losses << " losses of power\n";
}

}  // namespace
}  // namespace larder::testing
