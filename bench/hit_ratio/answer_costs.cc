#include "answer_costs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "popularity.h"

namespace larder::hit_ratio {
namespace {

struct Price {
  double input;
  double output;
};
constexpr std::array<Price, 7> kPrices{
    {{0.15, 0.6}, {0.25, 1.25}, {0.8, 4}, {2, 8}, {2.5, 10}, {3, 15}, {15, 75}}};

// Uniform in (0, 1).
double Uniform(std::uint64_t hash, std::uint64_t which) {
  return (static_cast<double>(Mix(hash, 100 + which) >> 11) + 0.5) / 9007199254740992.0;
}

double Lognormal(double median, double sigma, std::uint64_t hash, std::uint64_t which) {
  const double radius = std::sqrt(-2 * std::log(Uniform(hash, which)));
  const double normal = radius * std::cos(2 * std::numbers::pi * Uniform(hash, which + 1));
  return std::round(median * std::exp(sigma * normal));
}

}  // namespace

Trace WithAnswerCosts(Trace trace, std::uint64_t draw) {
  for (Item& item : trace.items) {
    const std::uint64_t seed = Mix(item.hash, 1000 + draw);
    const double prompt = std::max(1.0, Lognormal(52, 1.04, seed, 0));
    const double answer = std::clamp(Lognormal(343, 0.67, seed, 2), 1.0, 8192.0);
    const Price& price = kPrices[Mix(seed, 4) % kPrices.size()];
    item.bytes = static_cast<std::uint64_t>(100 + 1.6 * answer);
    item.cost = prompt * price.input + answer * price.output;
  }
  return trace;
}

}  // namespace larder::hit_ratio
