#include "cost.h"

#include <cmath>

namespace larder::client {

const Price* FindPrice(const std::map<std::string, Price>& prices, std::string_view answer_model,
                       std::string_view request_model) {
  for (const std::string_view model : {answer_model, request_model}) {
    const auto found = prices.find(std::string(model));
    if (found != prices.end()) return &found->second;
  }
  return nullptr;
}

std::uint64_t CostMicrousd(const Usage& usage, const Price& price) {
  // USD per million tokens are micro-USD per token.
  const double cost = static_cast<double>(usage.input_tokens) * price.input_per_million +
                      static_cast<double>(usage.output_tokens) * price.output_per_million;
  // An answer of a billion dollars is a lie of its usage field; and 2^63 must not be reached.
  constexpr double kMost = 1e15;
  if (!(cost > 0)) return 0;
  return cost >= kMost ? static_cast<std::uint64_t>(kMost)
                       : static_cast<std::uint64_t>(std::llround(cost));
}

}  // namespace larder::client
