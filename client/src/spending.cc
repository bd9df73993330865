#include "spending.h"

#include <cstdint>

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

void CountSpent(const CachingCore& core, const CacheQuery& query, const Spent& spent) {
  const std::uint64_t microusd = core.cost_carry->Whole(spent.microusd);
  if (query.on_cost) query.on_cost(microusd);
  if (core.health == nullptr) return;
  ProviderCounters& counters = *core.health->counters;
  if (spent.priced) counters.microusd += microusd;
  if (!spent.usage) return;
  counters.input_tokens += spent.usage->input_tokens;
  counters.output_tokens += spent.usage->output_tokens;
}

}  // namespace larder::client
