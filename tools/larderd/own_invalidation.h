// OwnInvalidation: what a caller asks with POST /larder/v1/invalidate: tags of its own scope, and
// nobody else's.
#pragma once

#include <set>
#include <string>

#include "larder/client/message.h"
#include "larder/invalidation.h"
#include "larder/result.h"

namespace larder::gateway {

// `request` has its namespace, and the body {"tags": [...]}; `scopes` are the caller's. It must be
// said to be JSON, which a web page cannot say of a request to another site without being asked
// first. Errors: kInvalidArgument, with what would be right.
Result<Invalidation> ReadOwnInvalidation(const client::Request& request,
                                         const std::set<std::string>& scopes);

}  // namespace larder::gateway
