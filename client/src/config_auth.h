// The section `providers.*.auth` out of a document that is already checked key by key.
#pragma once

#include <string>

#include "larder/client/auth_config.h"
#include "larder/client/config_document.h"
#include "larder/result.h"

namespace larder::client {

// Errors: kInvalidArgument, naming the place: a key that the method needs is missing, one that
// belongs to another method is there, a token_url that would send secrets in the clear.
Result<AuthConfig> ReadAuth(const ConfigDocument& document, const std::string& provider);

}  // namespace larder::client
