// What a request asks for: models, or something to read.
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

// Whether an upstream may take it for a POST: it is one, or names another method in a field that
// some frameworks obey (`x-http-method-override` and the like), or is a GET or a HEAD with a body.
bool MayActAsPost(const Request& request);

}  // namespace larder::client
