// The section `policy` out of a document that is already checked key by key.
#pragma once

#include "larder/client/config_document.h"
#include "larder/client/policy.h"

namespace larder::client {

Policy ReadPolicy(const ConfigDocument& document);

}  // namespace larder::client
