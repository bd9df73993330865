#include "popularity.h"

#include <algorithm>
#include <cmath>

namespace larder {
namespace {
constexpr float kStepsAnOctave = 8;
constexpr double kHalfLifeInEntries = 100;
constexpr double kLeastCost = 1e-6;
}  // namespace

float CountOf(std::uint8_t count) {
  return std::exp2((static_cast<float>(count) - Popularity::kCountOfOne) / kStepsAnOctave);
}

std::uint8_t EncodeCount(float accesses, std::uint32_t dice) {
  const float exact = std::log2(accesses) * kStepsAnOctave + Popularity::kCountOfOne;
  const float whole = std::floor(exact);
  const bool up = static_cast<float>(dice >> 8) < (exact - whole) * static_cast<float>(1 << 24);
  return static_cast<std::uint8_t>(std::clamp(whole + (up ? 1.0f : 0.0f), 0.0f, 255.0f));
}

float AgedCount(float count, double elapsed, double live_entries) {
  return count * static_cast<float>(std::exp2(-elapsed / (kHalfLifeInEntries * live_entries)));
}

Worth WorthOf(float count, float density_log2, double idle, double live_entries) {
  return {.count = std::log2(count),
          .density = density_log2,
          .idle = std::log2(static_cast<float>(idle + live_entries / 2))};
}

float DensityLog2(double cost, std::uint64_t bytes) {
  return std::log2(static_cast<float>(std::max(cost, kLeastCost) /
                                      static_cast<double>(std::max<std::uint64_t>(bytes, 1))));
}

}  // namespace larder
