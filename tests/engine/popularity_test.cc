#include "popularity.h"

#include <gtest/gtest.h>

#include <cmath>

namespace larder {
namespace {

TEST(PopularityTest, ACountComesBackToAnEighthOfAnOctave) {
  for (double accesses = 0.1; accesses < 1e7; accesses *= 1.1) {
    for (const std::uint32_t dice : {0u, 1u << 31, UINT32_MAX}) {
      const float back = CountOf(EncodeCount(static_cast<float>(accesses), dice));
      EXPECT_LE(std::abs(std::log2(back / accesses)), 0.126) << accesses;
    }
  }
}

TEST(PopularityTest, OneAccessIsExactWhateverTheDiceSay) {
  EXPECT_EQ(CountOf(Popularity::kCountOfOne), 1.0f);
  EXPECT_EQ(EncodeCount(1, 0), Popularity::kCountOfOne);
  EXPECT_EQ(EncodeCount(1, UINT32_MAX), Popularity::kCountOfOne);
}

TEST(PopularityTest, CountsBeyondTheRangeStayWithinAByte) {
  EXPECT_EQ(EncodeCount(1e-9f, 0), 0);
  EXPECT_EQ(EncodeCount(1e30f, 0), 255);
}

// A twentieth of a step a sweep must add up over many sweeps instead of being rounded away.
TEST(PopularityTest, SmallChangesAreNotLostOnAverage) {
  double sum = 0;
  constexpr int kTrials = 4000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::uint8_t count = EncodeCount(64, 0);
    for (std::uint64_t sweep = 0; sweep < 100; ++sweep) {
      const float aged = AgedCount(CountOf(count), 0.625, 1);  // half after 160 sweeps
      count = EncodeCount(
          aged, static_cast<std::uint32_t>(Mix(sweep, static_cast<std::uint64_t>(trial) + 9)));
    }
    sum += std::log2(CountOf(count));
  }
  EXPECT_NEAR(sum / kTrials, 6 - 100.0 / 160, 0.02);
}

TEST(PopularityTest, WorthRisesWithCountAndCostAndFallsWithSizeAndIdleness) {
  const Exponents exponents{.count_power = 1, .idle_power = 0.4f};
  const auto score = [&](float count, double cost, std::uint64_t bytes, double idle) {
    return WorthOf(count, DensityLog2(cost, bytes), idle, 1000).Score(exponents);
  };
  const float plain = score(2, 10, 500, 100);
  EXPECT_GT(score(3, 10, 500, 100), plain);
  EXPECT_GT(score(2, 11, 500, 100), plain);
  EXPECT_LT(score(2, 10, 501, 100), plain);
  EXPECT_LT(score(2, 10, 500, 200), plain);
  EXPECT_TRUE(std::isfinite(score(2, 0, 0, 0)));
}

}  // namespace
}  // namespace larder
