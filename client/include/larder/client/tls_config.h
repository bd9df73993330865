// TlsConfig: how a provider proves who it is, and we to it: `providers.*.tls`.
#pragma once

#include <optional>
#include <string>

#include "larder/client/secret.h"

namespace larder::client {

// Certificates are verified in any case, over TLS 1.2 or later.
struct TlsConfig {
  std::string ca_file = {};      // PEM; empty = the system's authorities
  std::string crl_file = {};     // PEM; revoked certificates, for each authority of the chain
  std::string server_name = {};  // which the certificate must be for; empty = the host of base_url
  std::string client_certificate = {};    // PEM, with its chain; empty = none
  std::optional<Secret> client_key = {};  // its key in PEM
  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

}  // namespace larder::client
