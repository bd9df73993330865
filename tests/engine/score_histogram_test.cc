#include "score_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace larder {
namespace {

double ShareUnder(const ScoreHistogram::Threshold& threshold, const std::vector<float>& scores) {
  double under = 0;
  for (const float score : scores) {
    const std::uint16_t bin = ScoreHistogram::BinOf(score);
    if (bin < threshold.bin) under += 1;
    if (bin == threshold.bin) under += threshold.share;
  }
  return under / static_cast<double>(scores.size());
}

TEST(ScoreHistogramTest, NothingSeenMeansNothingGoes) {
  const auto histogram = std::make_unique<ScoreHistogram>();
  const ScoreHistogram::Threshold threshold = histogram->Quantile(0.5);
  EXPECT_EQ(threshold.bin, 0u);
  EXPECT_EQ(threshold.share, 0);
}

TEST(ScoreHistogramTest, AQuantileCutsOffItsShareOfTheBytes) {
  const auto histogram = std::make_unique<ScoreHistogram>();
  std::mt19937 random(3);
  std::normal_distribution<float> normal(-7, 4);
  std::vector<float> scores(5000);
  for (float& score : scores) {
    score = normal(random);
    histogram->Add(ScoreHistogram::BinOf(score), 100);
  }
  for (const double drop : {0.05, 0.2, 0.5, 0.8}) {
    EXPECT_NEAR(ShareUnder(histogram->Quantile(drop), scores), drop, 0.001);
  }
  EXPECT_EQ(histogram->Quantile(1.1).bin, ScoreHistogram::kBins);
}

TEST(ScoreHistogramTest, EqualScoresAreCutWithinTheirBin) {
  const auto histogram = std::make_unique<ScoreHistogram>();
  histogram->Add(700, 1000);
  const ScoreHistogram::Threshold threshold = histogram->Quantile(0.2);
  EXPECT_EQ(threshold.bin, 700u);
  EXPECT_NEAR(threshold.share, 0.2, 1e-6);
}

TEST(ScoreHistogramTest, OlderSlicesFadeByATenthASlice) {
  const auto histogram = std::make_unique<ScoreHistogram>();
  histogram->Add(10, 1000);
  for (int i = 0; i < 7; ++i) histogram->BeginSlice();
  histogram->Add(20, 1000);
  // 1000 * 0.9^7 = 478 against 1000.
  EXPECT_NEAR(histogram->Quantile(478.0 / 1478 - 0.005).bin, 10, 0);
  EXPECT_NEAR(histogram->Quantile(478.0 / 1478 + 0.005).bin, 20, 0);
}

TEST(ScoreHistogramTest, ThousandsOfSlicesDoNotOverflow) {
  const auto histogram = std::make_unique<ScoreHistogram>();
  for (int i = 0; i < 5000; ++i) {
    histogram->BeginSlice();
    histogram->Add(30, 1 << 30);
    histogram->Add(40, 1 << 30);
  }
  EXPECT_EQ(histogram->Quantile(0.49).bin, 30u);
  EXPECT_EQ(histogram->Quantile(0.51).bin, 40u);
}

TEST(ScoreHistogramTest, ScoresOutsideTheRangeFallIntoTheOutermostBins) {
  EXPECT_EQ(ScoreHistogram::BinOf(-1e9f), 0u);
  EXPECT_EQ(ScoreHistogram::BinOf(1e9f), ScoreHistogram::kBins - 1);
  EXPECT_LT(ScoreHistogram::BinOf(-2.0f), ScoreHistogram::BinOf(-1.9f));
}

}  // namespace
}  // namespace larder
