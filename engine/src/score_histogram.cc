#include "score_histogram.h"

#include <algorithm>
#include <cmath>

namespace larder {
namespace {
constexpr float kLowest = -80;
constexpr float kFade = 0.9f;
constexpr float kMostWeight = 1e12f;
}  // namespace

std::uint16_t ScoreHistogram::BinOf(float score_log2) {
  const float bin = std::floor((score_log2 - kLowest) * kBinsAnOctave);
  return static_cast<std::uint16_t>(std::clamp(bin, 0.0f, static_cast<float>(kBins - 1)));
}

ScoreHistogram::Threshold ScoreHistogram::Quantile(double drop) const {
  double total = 0;
  for (const float bytes : bytes_) total += bytes;
  double left = drop * total;
  if (left <= 0) return {};
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    if (bytes_[bin] >= left) return {bin, static_cast<float>(left / bytes_[bin])};
    left -= bytes_[bin];
  }
  return {kBins, 0};
}

void ScoreHistogram::BeginSlice() {
  weight_ /= kFade;
  if (weight_ < kMostWeight) return;
  for (float& bytes : bytes_) bytes /= weight_;
  weight_ = 1;
}

}  // namespace larder
