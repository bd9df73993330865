// The client's sections of config.json: cache, providers, prices. See docs/configuration.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "larder/clock.h"
#include "larder/options.h"

namespace larder::client {

struct Timeouts {
  Duration connect = std::chrono::seconds(5);
  Duration first_byte = std::chrono::seconds(120);  // from the end of the request to the head
  Duration idle = std::chrono::seconds(60);         // between two pieces of the body
  Duration total = std::chrono::minutes(10);
};

struct ProviderConfig {
  std::string name;
  std::string dialect = "openai";  // "openai" or "anthropic"
  std::string base_url;            // scheme, authority, optional path; no trailing slash
  Timeouts timeouts;
  std::vector<std::string> key_headers;            // further request headers that belong to the key
  std::vector<std::string> keep_response_headers;  // further answer headers kept for hits
};

// USD per million tokens.
struct Price {
  double input_per_million = 0;
  double output_per_million = 0;
};

struct ClientConfig {
  larder::Options cache;
  std::map<std::string, ProviderConfig> providers;  // by name
  std::map<std::string, Price> prices;  // by model, as the answer or the request names it
};

}  // namespace larder::client
