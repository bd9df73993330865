#include "spending.h"

#include <utility>

#include "cost.h"

namespace larder::client {

Spent SpentOn(const CachingCore& core, const CacheQuery& query, const StoredResponse& answer,
              Duration took) {
  const std::optional<ModelPrice> price =
      FindPrice(core.prices, {core.provider.base_url, answer.model, query.plan.model});
  Spent spent;
  spent.usage = answer.usage;
  spent.priced = price.has_value() && answer.usage.has_value();
  spent.microusd = spent.priced ? ExactMicrousd(*answer.usage, *price)
                                : static_cast<double>(EstimateMicrousd(took));
  return spent;
}

SpendingMeter::SpendingMeter(std::shared_ptr<const CachingCore> core, OnCost on_cost)
    : core_(std::move(core)), on_cost_(std::move(on_cost)) {}

SpendingMeter::~SpendingMeter() {
  if (core_ == nullptr) return;
  const auto took = std::chrono::ceil<Duration>(std::chrono::steady_clock::now() - begin_);
  Count({.microusd = static_cast<double>(EstimateMicrousd(took))});
}

void SpendingMeter::SeeHead(const Result<Response>& response) {
  const bool given_up = response.status().code() == StatusCode::kCancelled;
  const bool answered =
      response.ok() && response->head.status >= 200 && response->head.status < 300;
  if (!answered && !given_up) core_ = nullptr;
}

void SpendingMeter::Count(const Spent& spent) {
  const std::shared_ptr<const CachingCore> core = std::move(core_);
  if (core == nullptr) return;
  const std::uint64_t microusd = core->cost_carry->Whole(spent.microusd);
  if (on_cost_) on_cost_(microusd);
  if (core->health == nullptr) return;
  ProviderCounters& counters = *core->health->counters;
  if (spent.priced) counters.microusd += microusd;
  if (!spent.usage) return;
  counters.input_tokens += spent.usage->input_tokens;
  counters.output_tokens += spent.usage->output_tokens;
}

}  // namespace larder::client
