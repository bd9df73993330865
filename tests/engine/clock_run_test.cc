// P1 and time: no step of the wall clock lets an entry live longer, within or over boots.
#include "clock_run.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace larder::testing {
namespace {

TEST(ClockRunTest, NoStepOfTheWallClockLengthensALife) {
  constexpr std::uint64_t kSeeds = 40;
  std::uint64_t clock_steps = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const ClockResult result = ClockRun(seed).Run(100);
    ASSERT_EQ(result.finding, "") << "seed " << seed << "\n"
                                  << ::testing::PrintToString(result.history);
    clock_steps += result.clock_steps;
  }
  EXPECT_GT(clock_steps, kSeeds * 5);
}

}  // namespace
}  // namespace larder::testing
