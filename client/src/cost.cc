#include "cost.h"

#include <algorithm>
#include <cmath>

#include "ascii.h"

namespace larder::client {
namespace {

// "gpt-4o" and "gpt-4o-2024-08-06": one is a version of the other, or has no name.
bool MayBeTheSame(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

// What another model answered costs what that one does, and if nobody knows that, not what the one
// that was asked for does.
std::optional<ModelPrice> FindBuiltIn(const PricedModel& model) {
  std::optional<ModelPrice> price = BuiltInPrice(model.base_url, model.of_answer);
  if (!price && MayBeTheSame(LowerAscii(model.of_answer), LowerAscii(model.of_request))) {
    price = BuiltInPrice(model.base_url, model.of_request);
  }
  return price;
}

// `like`: has the ratio to other input that what is not said gets.
template <typename Configured>
ModelPrice FromConfigured(const Configured& given, const std::optional<ModelPrice>& like) {
  ModelPrice price;
  price.input = given.input_per_million;
  price.output = given.output_per_million;
  const auto in_ratio = [&](double ModelPrice::*kind) {
    const bool knows = like && like->input > 0;
    return price.input * (knows ? (*like).*kind / like->input : 1);
  };
  price.cached_input = given.cached_input_per_million.value_or(in_ratio(&ModelPrice::cached_input));
  price.cache_write = given.cache_write_per_million.value_or(in_ratio(&ModelPrice::cache_write));
  return price;
}

ModelPrice WithTiers(const Price& given, const std::optional<ModelPrice>& built_in) {
  const ModelPrice below = FromConfigured(given, built_in);
  ModelPrice price = below;
  for (const PriceTier& tier : given.tiers) {
    price.tiers.push_back(FromConfigured(tier, below));
    price.tiers.back().over_input_tokens = tier.over_input_tokens;
  }
  return price;
}

}  // namespace

std::optional<ModelPrice> FindPrice(const std::map<std::string, Price>& configured,
                                    const PricedModel& model) {
  const std::optional<ModelPrice> built_in = FindBuiltIn(model);
  for (const std::string_view name : {model.of_answer, model.of_request}) {
    const auto found = configured.find(std::string(name));
    if (found != configured.end()) return WithTiers(found->second, built_in);
  }
  return built_in;
}

double ExactMicrousd(const Usage& usage, const ModelPrice& of_model) {
  const ModelPrice& price = of_model.Of(usage.input_tokens);
  // What a provider says need not add up.
  const std::uint64_t cached = std::min(usage.cached_input_tokens, usage.input_tokens);
  const std::uint64_t written = std::min(usage.cache_write_tokens, usage.input_tokens - cached);
  const std::uint64_t plain = usage.input_tokens - cached - written;
  const std::uint64_t for_an_hour = std::min(usage.cache_write_1h_tokens, written);
  // As Anthropic's page on prompt caching has it under "Pricing"
  // (https://docs.claude.com/en/docs/build-with-claude/prompt-caching); the table has the price of
  // five minutes, 1.25 times that of input.
  constexpr double kHourPerInput = 2;
  const double cost = static_cast<double>(plain) * price.input +
                      static_cast<double>(cached) * price.cached_input +
                      static_cast<double>(written - for_an_hour) * price.cache_write +
                      static_cast<double>(for_an_hour) * kHourPerInput * price.input +
                      static_cast<double>(usage.output_tokens) * price.output;
  // An answer of a billion dollars is a lie of its usage field; and 2^63 must not be reached.
  constexpr double kMost = 1e15;
  return cost > 0 ? std::min(cost, kMost) : 0;
}

std::uint64_t WholeMicrousd(double microusd) {
  if (!(microusd > 0)) return 0;
  return static_cast<std::uint64_t>(std::max(std::llround(microusd), 1LL));
}

std::uint64_t CostCarry::Whole(double microusd) {
  constexpr std::uint64_t kNanousd = 1000;  // in one micro-USD
  const double whole = std::floor(microusd);
  const auto rest = static_cast<std::uint64_t>(std::llround((microusd - whole) * kNanousd));
  const std::uint64_t before = nanousd_.fetch_add(rest);
  return static_cast<std::uint64_t>(whole) + (before + rest) / kNanousd - before / kNanousd;
}

std::uint64_t EstimateMicrousd(Duration took) {
  constexpr std::int64_t kMicrousdPerSecond = 600;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  constexpr std::int64_t kMostMs = std::int64_t{24} * 3600 * 1000;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(
      1, std::clamp<std::int64_t>(ms, 0, kMostMs) * kMicrousdPerSecond / 1000));
}

}  // namespace larder::client
