// The section `providers.*.tls` out of a document that is already checked key by key.
#pragma once

#include <string>

#include "larder/client/config_document.h"
#include "larder/client/tls_config.h"
#include "larder/result.h"

namespace larder::client {

// Errors: kInvalidArgument, naming the place: a certificate without a key or the other way round,
// TLS for a base_url without, a server name that is none.
Result<TlsConfig> ReadTls(const ConfigDocument& document, const std::string& provider);

}  // namespace larder::client
