// Admission: whether a request may go on, and as whose, before the cache or a provider sees it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "caller_account.h"
#include "callers.h"
#include "larder/client/cassette.h"
#include "larder/client/message.h"
#include "request_metrics.h"
#include "routes.h"
#include "tool_config.h"

namespace larder::gateway {

struct Denial {
  int status = 401;
  TurnedAway reason = TurnedAway::kUnauthorized;
  std::string message;
  std::optional<std::chrono::seconds> retry_after;  // it may be tried again then
};

// What becomes of a request that is let in.
struct Admission {
  std::shared_ptr<CallerAccount> account;  // who pays; null: nobody is asked
  // The budget of the day is spent: only the cache answers.
  bool only_hits = false;
};

struct AdmissionRules {
  const Callers& callers;
  tools::Isolation isolation;
  client::CassetteMode cassette;
  std::string_view store_secret;  // keys the hashes of credentials
};

// Takes the gateway's own key out of `request`, and sets its scope and namespace; a denial leaves
// it in some state between.
std::optional<Denial> Admit(const AdmissionRules& rules, const UpstreamRoute& route,
                            client::Request& request, Admission& admission);

// The same for what the gateway does for a caller itself, without a provider: instead of one scope
// it tells all `scopes` under which answers of any provider are stored for this caller.
std::optional<Denial> AdmitToOwn(const AdmissionRules& rules, client::Request& request,
                                 std::set<std::string>& scopes);

// Said to who has only_hits and missed.
Denial OutOfBudget();

}  // namespace larder::gateway
