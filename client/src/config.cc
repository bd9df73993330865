// Reads the client's sections out of a document that is already checked key by key.
#include "larder/client/config.h"

#include "larder/client/config_document.h"
#include "larder/client/config_keys.h"

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
  options.durability =
      document.Text("/cache/durability") == "sync" ? Durability::kSync : Durability::kProcess;
  options.on_corruption = document.Text("/cache/on_corruption") == "fail"
                              ? OnCorruption::kFail
                              : OnCorruption::kQuarantine;
  options.compression.level = static_cast<int>(document.Integer("/cache/compression/level"));
  return options;
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
  provider.key_headers = document.List(base + "/key_headers");
  provider.keep_response_headers = document.List(base + "/keep_response_headers");
  return provider;
}

}  // namespace

Result<ClientConfig> ReadClientConfig(const ConfigDocument& document) {
  ClientConfig config;
  config.cache = ReadCache(document);
  if (Status status = config.cache.Validate(); !status.ok()) {
    const std::string where = document.file().empty() ? "configuration" : document.file();
    return status.WithContext(where + ": /cache");
  }
  for (const std::string& name : document.Names("/providers")) {
    config.providers[name] = ReadProvider(document, name);
  }
  for (const std::string& model : document.Names("/prices")) {
    const std::string base = ToPointer({"prices", model});
    config.prices[model] = {.input_per_million = document.Number(base + "/input_per_million"),
                            .output_per_million = document.Number(base + "/output_per_million")};
  }
  return config;
}

}  // namespace larder::client
