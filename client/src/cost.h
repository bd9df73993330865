// What an answer cost, from its usage and prices, or guessed from the time it took.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "dialect.h"
#include "larder/client/config.h"
#include "price_table.h"

namespace larder::client {

// Whose price is wanted. An answer often names a dated version of the model that was asked for.
struct PricedModel {
  std::string_view base_url;
  std::string_view of_answer;
  std::string_view of_request;
};

// The configured price of the model as the answer names it, else as the request does; else the
// built-in one: as the answer names it, and as the request does only if that may be the same model,
// because the answer names none or one name begins with the other. What a configured price does not
// say of the provider's prompt cache is in the ratio to other input that the built-in table has, if
// it knows the model, else the same as that; tiers of the built-in table it does not have.
std::optional<ModelPrice> FindPrice(const std::map<std::string, Price>& configured,
                                    const PricedModel& model);

// Millionths of a US dollar, not rounded: input that was neither read from the prompt cache nor
// written to it, what was read, what was written, and output, each at its price. What was written
// for an hour costs twice the price of input. A call that is over a tier costs the tier's prices.
double ExactMicrousd(const Usage& usage, const ModelPrice& price);

// Rounded to the nearest; but what costs anything costs at least 1, since 0 would say that nothing
// is known.
std::uint64_t WholeMicrousd(double microusd);

inline std::uint64_t CostMicrousd(const Usage& usage, const ModelPrice& price) {
  return WholeMicrousd(ExactMicrousd(usage, price));
}

// Makes whole micro-USD of costs one after the other, such that the sum is right: what one leaves
// over counts with the next. A short embedding costs less than one. Thread-safe.
class CostCarry {
 public:
  std::uint64_t Whole(double microusd);

 private:
  std::atomic<std::uint64_t> nanousd_ = 0;  // all that was left over
};

// A guess where no price is known: a model writes about 60 tokens a second, at 10 USD a million.
// At least 1, since 0 would say that nothing is known.
std::uint64_t EstimateMicrousd(Duration took);

}  // namespace larder::client
