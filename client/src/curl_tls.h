// CurlTls: TLS as libcurl is told of it, and what its errors mean.
#pragma once

#include <curl/curl.h>

#include <memory>
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

// Becomes true when the server asks for a certificate of ours and there is none to give. Shared
// with the connection, which may outlive the transfer that opened it.
using MissedCertificate = std::shared_ptr<bool>;

// `identity` may be null; it and `missed` must live as long as the transfer.
void PrepareTls(CURL* easy, const TlsConfig& tls, const ClientIdentity* identity,
                MissedCertificate& missed);

struct TlsFailure {
  CURLcode code = CURLE_OK;
  std::string_view detail;  // what libcurl wrote into its buffer of errors
  std::string_view name;    // the one that the certificate should be for
  bool missed_certificate = false;
};

// What went wrong with TLS, and what would help. nullopt: it was not TLS.
std::optional<std::string> DescribeTlsError(CURL* easy, const TlsFailure& failure);

}  // namespace larder::client
