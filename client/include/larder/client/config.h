// The client's sections of config.json: cache, policy, providers, prices. See
// docs/configuration.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "larder/client/auth_config.h"
#include "larder/client/policy.h"
#include "larder/client/tls_config.h"
#include "larder/clock.h"
#include "larder/options.h"

namespace larder::client {

struct Timeouts {
  Duration connect = std::chrono::seconds(5);
  Duration first_byte = std::chrono::seconds(120);  // from the end of the request to the head
  Duration idle = std::chrono::seconds(60);         // between two pieces of the body
  // For the whole call: all attempts, what is waited between them, and the answer's last byte.
  Duration total = std::chrono::minutes(10);
  friend bool operator==(const Timeouts&, const Timeouts&) = default;
};

struct RetryConfig {
  int max_attempts = 3;  // the first included
  Duration base_delay = std::chrono::milliseconds(500);
  Duration max_delay = std::chrono::seconds(8);
  // Retries that are allowed for each call, on average, and besides in each second.
  double budget_ratio = 0.2;
  double budget_per_second = 10;
  friend bool operator==(const RetryConfig&, const RetryConfig&) = default;
};

struct BreakerConfig {
  int failures = 30;  // attempts failed in a row that open the circuit; 0 = never
  Duration open_for = std::chrono::seconds(5);  // until a probe; longer while probes fail
  friend bool operator==(const BreakerConfig&, const BreakerConfig&) = default;
};

// Another provider of the same dialect that is asked when this one is in trouble.
struct FallbackConfig {
  std::string provider;
  std::map<std::string, std::string> models;  // this provider's name -> that one's
};

struct ProviderConfig {
  std::string name;
  std::string dialect = "openai";  // "openai", "anthropic" or "http"
  std::string base_url;            // scheme, authority, optional path; no trailing slash
  Timeouts timeouts;
  RetryConfig retry;
  BreakerConfig breaker;
  AuthConfig auth;  // which credential goes up; pass-through = the caller's
  TlsConfig tls;
  std::vector<FallbackConfig> fallback;  // in the order in which they are asked
  // "http://host:port"; "none" = direct; empty = as http_proxy, https_proxy and no_proxy say.
  std::string proxy;
  std::vector<std::string> key_headers;            // further request headers that belong to the key
  std::vector<std::string> keep_response_headers;  // further answer headers kept for hits
  // Asks for the usage of every stream that is cached, and leaves it out for callers who did not.
  bool inject_usage = false;
  // Of the dialect "http": an answer is kept as long as it says itself, if it says so.
  bool upstream_freshness = false;
};

// What each token of a call costs that has more input tokens, cached ones included, than are said.
struct PriceTier {
  std::uint64_t over_input_tokens = 0;
  double input_per_million = 0;
  double output_per_million = 0;
  // Where nothing is said: in the same ratio to other input as below the tier.
  std::optional<double> cached_input_per_million = {};
  std::optional<double> cache_write_per_million = {};
};

// USD per million tokens.
struct Price {
  double input_per_million = 0;
  double output_per_million = 0;
  // Input that the provider read from its prompt cache, or wrote to it. Where nothing is said: as
  // much less or more than other input as the built-in table has it for the model, else the same.
  std::optional<double> cached_input_per_million = {};
  std::optional<double> cache_write_per_million = {};
  std::vector<PriceTier> tiers = {};  // in any order; of those a call is over, the highest counts
};

struct ClientConfig {
  larder::Options cache;
  Policy policy;
  std::map<std::string, ProviderConfig> providers;  // by name
  std::map<std::string, Price> prices;  // by model, as the answer or the request names it
};

}  // namespace larder::client
