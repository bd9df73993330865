// OwnInvalidation: what a caller asks with POST /larder/v1/invalidate: tags of its own scope, and
// nobody else's.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "larder/client/directives.h"
#include "larder/client/message.h"
#include "larder/invalidation.h"
#include "larder/result.h"

namespace larder::gateway {

// What as many tags as a caller may give take at most, each byte written as an escape of six, with
// room for quotes and blanks. More is not to be read at all: of 32 MiB of `[` comes a tree of
// gigabytes, and this is done where others wait.
inline constexpr std::size_t kMaxInvalidationBytes =
    client::kMaxCallerTags * (6 * client::kMaxCallerTagBytes + 64);

// `request` has its namespace, and the body {"tags": [...]} of at most kMaxInvalidationBytes;
// `scopes` are the caller's. It must be said to be JSON, which a web page cannot say of a request
// to another site without being asked first. Errors: kInvalidArgument, with what would be right.
Result<Invalidation> ReadOwnInvalidation(const client::Request& request,
                                         const std::set<std::string>& scopes);

}  // namespace larder::gateway
