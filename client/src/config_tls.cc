#include "config_tls.h"

#include <algorithm>
#include <cctype>

#include "larder/client/config_keys.h"

namespace larder::client {
namespace {

bool IsHostName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
}

}  // namespace

Result<TlsConfig> ReadTls(const ConfigDocument& document, const std::string& provider) {
  const std::string base = ToPointer({"providers", provider, "tls"});
  const auto text = [&](const char* key) {
    const std::string pointer = base + "/" + key;
    return document.IsNull(pointer) ? std::string() : document.Text(pointer);
  };
  const auto refuse = [&](const std::string& key, const std::string& complaint) {
    const std::string pointer = key.empty() ? base : base + "/" + key;
    return Status(StatusCode::kInvalidArgument,
                  document.Origin(pointer) + ": " + pointer + ": " + complaint);
  };
  TlsConfig tls{.ca_file = text("ca_file"),
                .crl_file = text("crl_file"),
                .server_name = text("server_name"),
                .client_certificate = text("client_certificate")};
  const std::string key = text("client_key");
  if (!key.empty()) {
    Result<Secret> secret = Secret::Parse(key);
    if (!secret.ok()) return refuse("client_key", secret.status().message());
    tls.client_key = *std::move(secret);
  }
  if (tls.client_certificate.empty() != key.empty()) {
    return refuse("", "client_certificate and client_key go together");
  }
  if (!tls.server_name.empty() && !IsHostName(tls.server_name)) {
    return refuse("server_name", "not the name of a host");
  }
  const std::string url = document.Text(ToPointer({"providers", provider, "base_url"}));
  if (tls != TlsConfig() && !url.starts_with("https://")) {
    return refuse("", "base_url is not https");
  }
  return tls;
}

}  // namespace larder::client
