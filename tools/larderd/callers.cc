#include "callers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "caller_scope.h"
#include "larder/client/policy.h"

namespace larder::gateway {
namespace {

bool Allows(const std::vector<std::string>& patterns, std::string_view name) {
  return patterns.empty() ||
         std::any_of(patterns.begin(), patterns.end(), [name](const std::string& pattern) {
           return client::MatchesPattern(pattern, name);
         });
}

}  // namespace

bool Caller::MayUseProvider(std::string_view provider) const {
  return Allows(config.providers, provider);
}

bool Caller::MayUseModel(std::string_view model) const { return Allows(config.models, model); }

bool Caller::IsOutOfBudget(CallerAccount::Day today) const {
  return config.microusd_per_day && account->Spent(today) >= *config.microusd_per_day;
}

Callers::Callers(std::vector<tools::CallerConfig> configs, CallerAccounts& accounts)
    : configs_(std::move(configs)) {
  for (const tools::CallerConfig& config : configs_) {
    callers_.push_back({config, accounts.Of(config.name)});
  }
}

const Caller* Callers::Identify(client::Headers& headers) const {
  const std::optional<std::size_t> found = tools::FindCaller(configs_, headers);
  return found ? &callers_[*found] : nullptr;
}

}  // namespace larder::gateway
