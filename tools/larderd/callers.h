// Callers: who may use the gateway, where it has clients of its own (gateway.clients).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "caller_account.h"
#include "caller_config.h"
#include "larder/client/message.h"

namespace larder::gateway {

struct Caller {
  const tools::CallerConfig& config;
  std::shared_ptr<CallerAccount> account;

  // Patterns of the configuration; none at all allow everything.
  bool MayUseProvider(std::string_view provider) const;
  bool MayUseModel(std::string_view model) const;
  bool is_bound_to_models() const { return !config.models.empty(); }
  // It has spent what it may today: only the cache answers it.
  bool IsOutOfBudget(CallerAccount::Day today) const;
};

// Immutable, thread-safe.
class Callers {
 public:
  Callers(std::vector<tools::CallerConfig> configs, CallerAccounts& accounts);
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  // There are none: everybody may call, with credentials of the provider's.
  bool is_open() const { return callers_.empty(); }

  // As tools::FindCaller; null: nobody's key.
  const Caller* Identify(client::Headers& headers) const;

 private:
  const std::vector<tools::CallerConfig> configs_;
  std::vector<Caller> callers_;  // in the same order
};

}  // namespace larder::gateway
