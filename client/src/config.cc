// Reads the client's sections out of a document that is already checked key by key.
#include "larder/client/config.h"

#include <algorithm>

#include "config_auth.h"
#include "config_policy.h"
#include "config_tls.h"
#include "larder/client/config_document.h"
#include "larder/client/config_keys.h"
#include "larder/client/nearest_name.h"

namespace larder::client {
namespace {

larder::Options ReadCache(const ConfigDocument& document) {
  larder::Options options;
  options.directory = document.Text("/cache/directory");
  options.max_disk_bytes = document.Size("/cache/max_disk_bytes");
  options.max_memory_bytes = document.Size("/cache/max_memory_bytes");
  options.max_body_bytes = document.Size("/cache/max_body_bytes");
  options.default_ttl = document.Time("/cache/default_ttl");
  options.ttl_jitter = document.Number("/cache/ttl_jitter");
  options.stale_while_revalidate = document.Time("/cache/stale_while_revalidate");
  options.stale_if_error = document.Time("/cache/stale_if_error");
  options.negative_ttl = document.Time("/cache/negative_ttl");
  options.durability =
      document.Text("/cache/durability") == "sync" ? Durability::kSync : Durability::kProcess;
  options.on_corruption = document.Text("/cache/on_corruption") == "fail"
                              ? OnCorruption::kFail
                              : OnCorruption::kQuarantine;
  options.compression.level = static_cast<int>(document.Integer("/cache/compression/level"));
  options.compression.dictionary = document.Text("/cache/compression/dictionary") == "off"
                                       ? DictionaryMode::kOff
                                       : DictionaryMode::kAuto;
  return options;
}

FallbackConfig ReadFallback(const ConfigDocument& document, const std::string& base) {
  FallbackConfig fallback;
  fallback.provider = document.Text(base + "/provider");
  for (const std::string& model : document.Names(base + "/models")) {
    fallback.models[model] = document.Text(base + ToPointer({"models", model}));
  }
  return fallback;
}

ProviderConfig ReadProvider(const ConfigDocument& document, const std::string& name) {
  const std::string base = ToPointer({"providers", name});
  ProviderConfig provider;
  provider.name = name;
  provider.dialect = document.Text(base + "/dialect");
  provider.base_url = document.Text(base + "/base_url");
  while (provider.base_url.ends_with('/')) provider.base_url.pop_back();
  provider.timeouts.connect = document.Time(base + "/timeouts/connect");
  provider.timeouts.first_byte = document.Time(base + "/timeouts/first_byte");
  provider.timeouts.idle = document.Time(base + "/timeouts/idle");
  provider.timeouts.total = document.Time(base + "/timeouts/total");
  provider.retry.max_attempts = static_cast<int>(document.Integer(base + "/retry/max_attempts"));
  provider.retry.base_delay = document.Time(base + "/retry/base_delay");
  provider.retry.max_delay = document.Time(base + "/retry/max_delay");
  provider.retry.budget_ratio = document.Number(base + "/retry/budget_ratio");
  provider.retry.budget_per_second = document.Number(base + "/retry/budget_per_second");
  provider.breaker.failures = static_cast<int>(document.Integer(base + "/breaker/failures"));
  provider.breaker.open_for = document.Time(base + "/breaker/open_for");
  if (!document.IsNull(base + "/proxy")) provider.proxy = document.Text(base + "/proxy");
  for (const std::string& index : document.Names(base + "/fallback")) {
    provider.fallback.push_back(ReadFallback(document, base + "/fallback/" + index));
  }
  provider.key_headers = document.List(base + "/key_headers");
  provider.keep_response_headers = document.List(base + "/keep_response_headers");
  provider.inject_usage = document.Flag(base + "/inject_usage");
  provider.upstream_freshness = document.Flag(base + "/upstream_freshness");
  return provider;
}

template <typename Prices>
Prices ReadPrices(const ConfigDocument& document, const std::string& base) {
  const auto number = [&](const char* name) -> std::optional<double> {
    const std::string pointer = base + name;
    if (document.IsNull(pointer)) return std::nullopt;
    return document.Number(pointer);
  };
  Prices prices;
  prices.input_per_million = document.Number(base + "/input_per_million");
  prices.output_per_million = document.Number(base + "/output_per_million");
  prices.cached_input_per_million = number("/cached_input_per_million");
  prices.cache_write_per_million = number("/cache_write_per_million");
  return prices;
}

Price ReadPrice(const ConfigDocument& document, const std::string& base) {
  auto price = ReadPrices<Price>(document, base);
  for (const std::string& index : document.Names(base + "/tiers")) {
    const std::string of_tier = base + "/tiers/" + index;
    PriceTier& tier = price.tiers.emplace_back(ReadPrices<PriceTier>(document, of_tier));
    tier.over_input_tokens =
        static_cast<std::uint64_t>(document.Integer(of_tier + "/over_input_tokens"));
  }
  return price;
}

Status Refuse(const ConfigDocument& document, const std::string& pointer,
              const std::string& complaint) {
  return {StatusCode::kInvalidArgument,
          document.Origin(pointer) + ": " + pointer + ": " + complaint};
}

// A fallback is another provider that speaks the same dialect.
Status CheckFallbacks(const ConfigDocument& document, const ClientConfig& config) {
  for (const auto& [name, provider] : config.providers) {
    std::vector<std::string_view> others;
    for (const auto& [other, settings] : config.providers) {
      if (other != name && settings.dialect == provider.dialect) others.push_back(other);
    }
    for (std::size_t i = 0; i < provider.fallback.size(); ++i) {
      const std::string& wanted = provider.fallback[i].provider;
      if (std::find(others.begin(), others.end(), wanted) != others.end()) continue;
      const std::string nearest(NearestName(wanted, others));
      return Refuse(document,
                    ToPointer({"providers", name, "fallback", std::to_string(i), "provider"}),
                    "found \"" + wanted + "\", which is not another provider with dialect \"" +
                        provider.dialect + "\"" +
                        (nearest.empty() ? "; there is none" : "; nearest is \"" + nearest + "\""));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<ClientConfig> ReadClientConfig(const ConfigDocument& document) {
  ClientConfig config;
  config.cache = ReadCache(document);
  if (Status status = config.cache.Validate(); !status.ok()) {
    const std::string where = document.file().empty() ? "configuration" : document.file();
    return status.WithContext(where + ": /cache");
  }
  config.policy = ReadPolicy(document);
  for (const std::string& name : document.Names("/providers")) {
    ProviderConfig& provider = config.providers[name] = ReadProvider(document, name);
    Result<AuthConfig> auth = ReadAuth(document, name);
    if (!auth.ok()) return auth.status();
    provider.auth = *std::move(auth);
    Result<TlsConfig> tls = ReadTls(document, name);
    if (!tls.ok()) return tls.status();
    provider.tls = *std::move(tls);
  }
  if (Status status = CheckFallbacks(document, config); !status.ok()) return status;
  for (const std::string& model : document.Names("/prices")) {
    config.prices[model] = ReadPrice(document, ToPointer({"prices", model}));
  }
  return config;
}

}  // namespace larder::client
