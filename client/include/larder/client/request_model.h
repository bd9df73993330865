// The model that a request asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "larder/client/message.h"

namespace larder::client {

// nullopt: no endpoint that is known in `dialect`, or no body that says one model and no other (a
// name given twice, no JSON). Parses the whole body.
std::optional<std::string> ModelOf(const Request& request, std::string_view dialect);

}  // namespace larder::client
