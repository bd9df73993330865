// The built-in prices of models (client/data/prices.tsv, made by scripts/make_prices).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace larder::client {

// USD per million tokens, which are micro-USD per token.
struct ModelPrice {
  double input = 0;
  double output = 0;
  double cached_input = 0;  // input that was read from the provider's prompt cache
  double cache_write = 0;   // ... and input that was written to it

  // Prices of all tokens of a call that has more input tokens than `over_input_tokens`, cached ones
  // included; in any order, and without tiers of their own.
  std::vector<ModelPrice> tiers = {};
  std::uint64_t over_input_tokens = 0;

  // Those of a call with so many input tokens: of the highest tier that it is over, else these.
  const ModelPrice& Of(std::uint64_t input_tokens) const;
};

// By the host in `base_url`, else the first provider that has a model of this name; names are
// compared in lower case, whole names before parts of names. nullopt: not in the table.
std::optional<ModelPrice> BuiltInPrice(std::string_view base_url, std::string_view model);

// The table's first line, which says as of when its prices are.
std::string_view PriceTableTitle();

}  // namespace larder::client
