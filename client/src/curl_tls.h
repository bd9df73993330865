// CurlTls: TLS as libcurl is told of it, and what its errors mean.
#pragma once

#include <curl/curl.h>

#include <optional>
#include <string>
#include <string_view>

#include "larder/client/secret_text.h"
#include "larder/client/tls_config.h"
#include "larder/status.h"

namespace larder::client {

// With what a connection shows who we are.
struct ClientIdentity {
  SecretText certificate;  // PEM, with its chain
  SecretText key;          // PEM
};

// Ok, or kInvalidArgument: a file that cannot be read, by the name of its key.
Status CheckTlsFiles(const TlsConfig& tls);

// `identity` may be null; it must live as long as the transfer.
void PrepareTls(CURL* easy, const TlsConfig& tls, const ClientIdentity* identity);

// What went wrong with TLS when a transfer ended by `code`, and what would help. `detail` is what
// libcurl wrote into its buffer of errors; `name` the one that the certificate should be for.
// nullopt: it was not TLS.
std::optional<std::string> DescribeTlsError(CURL* easy, CURLcode code, std::string_view detail,
                                            std::string_view name);

}  // namespace larder::client
