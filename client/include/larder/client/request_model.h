// The models that a request asks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "larder/client/message.h"

namespace larder::client {

// That of its path (/deployments/NAME/, as Azure has it) and that of its body, where they name one:
// which of them the provider goes by is its own affair. Empty: it cannot be told, for it is no
// endpoint that is known in `dialect`, neither names one, or one of them can be read in two ways (a
// name given twice, no JSON, dot segments). Parses the whole body.
std::vector<std::string> ModelsOf(const Request& request, std::string_view dialect);

}  // namespace larder::client
