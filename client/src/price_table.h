// The built-in prices of models (client/data/prices.tsv, made by scripts/make_prices).
#pragma once

#include <optional>
#include <string_view>

namespace larder::client {

// USD per million tokens, which are micro-USD per token.
struct ModelPrice {
  double input = 0;
  double output = 0;
  double cached_input = 0;  // input that was read from the provider's prompt cache
  double cache_write = 0;   // ... and input that was written to it
};

// By the host in `base_url`, else the first provider that has a model of this name; names are
// compared in lower case, whole names before parts of names. nullopt: not in the table.
std::optional<ModelPrice> BuiltInPrice(std::string_view base_url, std::string_view model);

// The table's first line, which says as of when its prices are.
std::string_view PriceTableTitle();

}  // namespace larder::client
