// CacheQuery: what one request means to the cache: its plan, its key, and how to read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "caching_core.h"
#include "dialect.h"
#include "larder/client/message.h"
#include "larder/client/request_key.h"
#include "larder/client/store_rules.h"
#include "larder/options.h"
#include "request_traits.h"

namespace larder::client {

struct CacheQuery {
  // Set: goes past the cache; the rest is empty then.
  bool bypass = false;
  std::string bypass_detail;  // the reason to name, if one is worth naming

  RequestPlan plan;  // without the canonical body
  // The usage of a stream is asked for, though its caller does not want it.
  bool injects_usage = false;
  RequestKey key{};
  Directives directives;
  ReadOptions read;
  // The caller's credentials are in the key, as its scope: nobody without them gets the answer.
  bool keyed_by_caller = false;
  // ... and the caller has any, so that what is for it alone may be kept for it.
  bool is_personal = false;
  // A hash of the credentials, where the scope is another; else 0.
  std::uint64_t credentials = 0;
  std::function<void(std::uint64_t)> on_cost;  // Request::on_cost
  // What the policy says of storing the answer; what the request says comes first.
  std::optional<Duration> policy_ttl;
  std::optional<Duration> keep_stale_while_revalidate;
  std::optional<Duration> keep_stale_if_error;
  StoreRules store_rules;
  std::vector<std::string> keep_response_headers;
  RequestTraits traits;  // of a cassette only

  std::string_view key_bytes() const {
    return {reinterpret_cast<const char*>(key.data()), key.size()};
  }
  // JSON always has its usage, a stream if asked for.
  bool wants_usage() const { return !plan.stream || plan.wants_usage; }
  // What the upstream is asked for.
  bool asks_usage() const { return plan.wants_usage || injects_usage; }
};

// Whose answers the request may share: what it says, else a hash of its credentials.
std::string ScopeOf(const CachingCore& core, const Request& request);

// Parses and hashes the body: for a large one not on an io thread.
CacheQuery MakeCacheQuery(const CachingCore& core, const Request& request);

}  // namespace larder::client
